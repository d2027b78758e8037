"""What cost, quality and latency count for a request. Pure."""

from libs.contracts.requests import RequestFacts
from libs.routing.policy import Policy
from libs.routing.resolve import Wish

Weights = tuple[float, float, float]
"""Of cost, quality, latency."""
PATIENT = frozenset({"low", "batch", "background", "bulk"})
URGENT = frozenset({"high", "urgent", "realtime", "interactive", "critical"})
"""Values of `metadata.priority`."""


def weights_of(wish: Wish, facts: RequestFacts, policy: Policy) -> tuple[Weights, str]:
    """The weights, and what moved them away from the mode's own, in words; empty when nothing did.

    `provider.sort` leaves one of them. `metadata.priority` moves them only where nobody named a mode: a patient request gives its
    latency's share to cost, an urgent one half of its cost's share to latency.
    """
    sort = facts.preferences.sort if facts.preferences else None
    if sort is not None:
        return ((1.0, 0.0, 0.0) if sort == "price" else (0.0, 0.0, 1.0)), f"sorted by {sort}"
    cost, quality, latency = policy.weights(wish.mode)
    priority = facts.metadata.get("priority", "").strip().lower() if facts.metadata and not wish.mode_named else ""
    if priority in PATIENT:
        return (cost + latency, quality, 0.0), f"metadata.priority is {priority}"
    if priority in URGENT:
        return (cost / 2, quality, latency + cost / 2), f"metadata.priority is {priority}"
    return (cost, quality, latency), "the workspace's weights" if wish.mode in policy.given.weights else ""

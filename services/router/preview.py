"""What would have been done with a request that only asked for that. Pure."""

from typing import Any

import msgspec
from msgspec import structs

from libs.contracts.decisions import Decision
from libs.contracts.deltas import Previewed
from libs.contracts.requests import Ruled
from libs.routing.explain import scored_by

_encode = msgspec.json.Encoder().encode


def previewed(message: Ruled, decision: Decision) -> Previewed:
    """The answer to the edge: what each stage decided, and the route that follows from it."""
    chosen = decision.candidates[decision.chosen]
    screening, ruling = message.screening, message.ruling
    told: dict[str, Any] = {
        "object": "routing.preview",
        "request_id": message.request_id,
        "route": {"provider": chosen.provider, "model": chosen.model, "account": chosen.account},
        "decision": {
            "mode": decision.mode,
            "reason": decision.reason,
            "confidence": decision.confidence,
            **scored_by(decision, message.facts.reading),
            "candidates": [structs.replace(candidate, price=None) for candidate in decision.candidates],
            "excluded": decision.excluded,
        },
        "rule_trace": msgspec.Raw(ruling.trace),
        "firewall": {"checked": screening.checked, "masked": screening.masked, "trace": screening.trace},
        "warnings": [*screening.warnings, *ruling.warnings, *decision.warnings],
    }
    return Previewed(request_id=message.request_id, dispatch=message.dispatch, preview=_encode(told))

"""What of the rules' word changes the request itself. Pure."""

from typing import Any

from msgspec import structs

from libs.contracts.requests import RequestFacts, Screened
from libs.rules.policy import Said


def changes(message: Screened, said: Said) -> dict[str, Any]:
    """Fields of the message that have another value from here on: the facts, so that estimates go by what will be asked for, and the
    deadline."""
    changed: dict[str, Any] = {}
    facts = _facts(message, said)
    if facts is not message.facts:
        changed["facts"] = facts
    limit = said.ruling.limits.timeout
    if limit is not None:
        # The edge waits until its own, so that it hears why the request ended.
        changed["deadline"] = min(message.deadline, message.created_at + limit)
    return changed


def _facts(message: Screened, said: Said) -> RequestFacts:
    facts, most = message.facts, said.ruling.limits.max_output_tokens
    if said.metadata:
        facts = structs.replace(facts, metadata=facts.metadata | said.metadata)
    if most is not None and not facts.embeddings:
        facts = structs.replace(facts, max_output_tokens=min(facts.max_output_tokens or most, most))
    return facts

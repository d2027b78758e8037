"""Sticky splits: the same value always takes the same way. Pure."""

from hashlib import sha256

from libs.rules.facts import Facts

FIELDS = ("user", "api_key", "project", "conversation")
METADATA = "metadata."


def value_of(facts: Facts, field: str) -> str:
    """What a split goes by; empty where the request does not say."""
    match field:
        case "user":
            return facts.asked.user
        case "api_key":
            return facts.key_id
        case "project":
            return facts.project
        case "conversation":
            return facts.conversation
        case _:
            return facts.metadata.get(field.removeprefix(METADATA), "")


def place_of(rule_id: int, value: str) -> float:
    """Where a value falls in a rule's split, 0 to below 1: the first 53 bits of SHA-256 over rule id and value. Another rule spreads the same
    values another way."""
    digest = sha256(f"{rule_id}:{value}".encode("utf-8", "replace")).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53

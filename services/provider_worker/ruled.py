"""What routing rules change of a provider call. Pure."""

from collections.abc import Mapping
from typing import Any

from libs.contracts.decisions import Ruling

Json = dict[str, Any]
WRITING = frozenset({"responses", "chat.completions", "messages", "compact"})
"""Endpoints whose answer has a length."""


def capped(request: Json, ruling: Ruling, endpoint: str) -> tuple[Json, list[str]]:
    """The request with no more output than rules allow, and what to tell of it."""
    most, asked = ruling.limits.max_output_tokens, request.get("max_output_tokens")
    if most is None or endpoint not in WRITING or (asked is not None and asked <= most):
        return request, []
    note = f"max_output_tokens was set to {most} by a routing rule" + (f"; {asked} were asked for" if asked is not None else "")
    return request | {"max_output_tokens": most}, [note]


def with_headers(own: Mapping[str, str], ruling: Ruling, taken: Mapping[str, str]) -> dict[str, str]:
    """The headers of a call with those that rules add; what the call needs (`own`, `taken`) stays as it is."""
    known = {name.lower() for name in (*own, *taken)}
    return {**own, **{name: value for name, value in ruling.headers.items() if name.lower() not in known}}

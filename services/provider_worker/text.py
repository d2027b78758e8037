"""The answer's text in one string, for clients that read `output_text` as a plain field."""

from typing import Any


def output_text(response: dict[str, Any]) -> str:
    """All `output_text` parts of the response's messages, joined."""
    return "".join(
        part.get("text") or ""
        for item in response.get("output") or ()
        if item.get("type") == "message"
        for part in item.get("content") or ()
        if part.get("type") == "output_text"
    )

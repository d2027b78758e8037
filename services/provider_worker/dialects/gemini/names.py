"""Tool names as Gemini takes them, and the way back."""

from typing import Any

from services.provider_worker.dialects.tool_names import safe_name

# https://ai.google.dev/api/caching#FunctionDeclaration: at most 64 characters on older models, beginning with a letter or `_`.
_LONGEST = 64


def gemini_name(name: str) -> str:
    """The name itself when Gemini takes it, otherwise a readable one in its alphabet."""
    safe = safe_name(name, _LONGEST - 1)
    return safe if safe[0].isalpha() or safe[0] == "_" else f"_{safe}"


def client_names(tools: list[dict[str, Any]]) -> dict[str, str]:
    """Gemini's name → the client's."""
    return {gemini_name(tool["name"]): tool["name"] for tool in tools if "name" in tool}

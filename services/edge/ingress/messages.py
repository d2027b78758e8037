"""An Anthropic Messages body as a Responses request.

https://platform.claude.com/docs/en/api/messages
"""

from typing import Any

from libs.contracts.errors import InvalidRequest
from services.edge.ingress.messages_content import items_of, text_of
from services.edge.ingress.messages_fields import checked, strings
from services.edge.ingress.messages_output import reasoning, text_format, user
from services.edge.ingress.messages_tools import tools

Json = dict[str, Any]

_AS_THEY_ARE = ("model", "stream", "temperature", "top_p", "router_mode", "router_model", "router_provider", "provider")
_TIERS = {"standard_only": "default"}
_COUNTED = frozenset({
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text", "router_mode", "router_model",
    "router_provider", "provider",
})


def request_of(body: Json) -> Json:
    """The request, canonical already. `top_k`, cache marks, and what only Anthropic's own servers know are left out. Raises
    InvalidRequest, naming the parameter as Anthropic writes places: `messages.1.content.0`."""
    given = checked(body)
    most = given.get("max_tokens")
    if most is None or most < 1:
        raise InvalidRequest("max_tokens must be given, and at least 1.", param="max_tokens")
    return _common(given) | _settings(given) | {"max_output_tokens": most, "store": False}


def count_request_of(body: Json) -> Json:
    """What is to be counted, as a request to /v1/responses/input_tokens. Raises InvalidRequest."""
    return {name: value for name, value in _common(checked(body)).items() if name in _COUNTED}


def _common(given: Json) -> Json:
    made: Json = {name: given[name] for name in _AS_THEY_ARE if name in given}
    if system := _system(given):
        made["instructions"] = system
    made["input"] = items_of(given["messages"])
    return made | tools(given) | reasoning(given) | text_format(given)


def _system(given: Json) -> str:
    system = given.get("system", "")
    return system if isinstance(system, str) else "\n\n".join(filter(None, (text_of(*one) for one in _placed(system))))


def _placed(blocks: list[Any]) -> list[tuple[Any, str]]:
    return [(block, f"system.{index}") for index, block in enumerate(blocks)]


def _settings(given: Json) -> Json:
    """Those that only matter for an answer."""
    made: Json = user(given)
    if stops := strings(given.get("stop_sequences", []), "stop_sequences"):
        made["stop"] = stops
    if "service_tier" in given:
        made["service_tier"] = _TIERS.get(given["service_tier"], given["service_tier"])
    return made

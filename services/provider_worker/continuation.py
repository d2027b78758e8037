"""Going on with an answer whose provider died between two output items, on another candidate. Pure."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import structs

from libs.contracts.deltas import Event
from libs.contracts.message import Body
from libs.contracts.requests import Delivered
from libs.responses.usage import usage_object
from services.provider_worker.dialect import Usage

Json = dict[str, Any]

CONTINUABLE = frozenset({"message", "function_call", "custom_tool_call", "reasoning"})
"""Items that another provider can be shown as what was said so far."""
_OPENING = frozenset({"response.created", "response.in_progress", "response.queued"})
_NOTE = (
    "Your answer was interrupted after what stands above. Go on from exactly there: repeat nothing, announce nothing, and if nothing "
    "is left to say, end with a short closing sentence."
)
_PENDING = "The result of this call is not here yet; do not make the call again."
_OUTPUTS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
_WHOLE_ONLY = frozenset({"function_call", "custom_tool_call", "reasoning"})
"""Items of which a half says nothing: providers refuse arguments that are not JSON and reasoning without its signature."""
_encode = msgspec.json.Encoder().encode


def request_after(request: Json, items: list[Json]) -> Json:
    """The request, with the items delivered so far as part of the conversation; calls and reasoning that broke off are left out."""
    given = request.get("input")
    said: list[Any] = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else list(given or ())
    items = [item for item in items if item.get("status") != "incomplete" or item.get("type") not in _WHOLE_ONLY]
    said += [{name: value for name, value in item.items() if name not in ("id", "status")} for item in items]
    said += [
        {"type": _OUTPUTS[item["type"]], "call_id": item["call_id"], "output": _PENDING} for item in items if item["type"] in _OUTPUTS
    ]
    return request | {"input": [*said, {"type": "message", "role": "developer", "content": _NOTE}]}


def shifted(events: Iterable[Event], count: int) -> list[Event]:
    """The events of a continuing answer, numbered behind the `count` items that the client has; it has seen the opening ones."""
    return [_shifted(event, count) for event in events if event.type not in _OPENING]


def _shifted(event: Event, count: int) -> Event:
    message = msgspec.json.decode(event.data)
    if "output_index" in message:
        message["output_index"] += count
    return Event(event.type, _encode(message))


def items_in(done: Iterable[bytes]) -> list[Json]:
    """The items of `response.output_item.done` events."""
    return [msgspec.json.decode(data)["item"] for data in done]


def added(earlier: Delivered | None, items: Body, count: int, by: str, usage: Usage, cost_usd: str | None) -> Delivered:
    """What the client has by now, and what it cost. An unknown cost makes the sum unknown."""
    if earlier is None:
        earlier = Delivered(items=items, count=0, by=[], cost_usd="0")
    total = None if cost_usd is None or earlier.cost_usd is None else format(Decimal(cost_usd) + Decimal(earlier.cost_usd), "f")
    return structs.replace(
        earlier, items=items, count=count, by=[*earlier.by, by], cost_usd=total,
        **{name: getattr(earlier, name) + getattr(usage, name) for name in _COUNTED},
    )


_COUNTED = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")


def summed(earlier: Delivered, usage: Usage) -> Usage:
    """The usage of all attempts together."""
    return structs.replace(usage, **{name: getattr(earlier, name) + getattr(usage, name) for name in _COUNTED})


def usage_of(usage: Usage) -> Json | None:
    """As it stands in a response."""
    return None if usage.source == "none" else usage_object(**{name: getattr(usage, name) for name in _COUNTED})

"""A stream for an answer that came all at once, though a stream was asked for. Pure."""

from typing import Any

import msgspec

from libs.contracts.deltas import Event
from libs.responses.builder import ResponseBuilder
from libs.responses.frame import Frame
from services.provider_worker.dialect import Outcome

Json = dict[str, Any]


def as_stream(frame: Frame, outcome: Outcome) -> list[Event]:
    """The events up to the terminal one. The outcome's output gets the ids that stand in them; items that are neither text,
    reasoning nor calls have no events of their own and are left out."""
    builder = ResponseBuilder(frame)
    events = builder.start()
    for number, item in enumerate(outcome.response.get("output") or []):
        events += _item(builder, number, item)
    events += builder.finish(whole=outcome.status == "completed")
    outcome.response["output"] = builder.output
    return events


def _item(builder: ResponseBuilder, number: int, item: Json) -> list[Event]:
    match item.get("type"):
        case "message":
            return [event for part in item.get("content") or () for event in _part(builder, part)]
        case "reasoning":
            said = "".join(part.get("text") or "" for part in (item.get("summary") or item.get("content") or ()))
            raw = not item.get("summary") and bool(item.get("content"))
            return builder.reasoning(said, raw=raw) + builder.reasoning_done(item.get("encrypted_content"))
        case "function_call":
            opened = builder.call(number, item["call_id"], item["name"])
            return opened + builder.arguments(number, item.get("arguments") or "") + builder.call_done(number)
        case "custom_tool_call":
            opened = builder.call(number, item["call_id"], item["name"], custom=True)
            given = msgspec.json.encode({"input": item.get("input") or ""}).decode()
            return opened + builder.arguments(number, given) + builder.call_done(number)
    return []


def _part(builder: ResponseBuilder, part: Json) -> list[Event]:
    if part.get("type") == "refusal":
        return builder.refusal(part.get("refusal") or "")
    events = builder.text(part.get("text") or "")
    return events + [event for note in part.get("annotations") or () for event in builder.annotation(note)]

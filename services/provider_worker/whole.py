"""A stream for an answer that came all at once, though a stream was asked for. Pure."""

from typing import Any

from libs.contracts.deltas import Event
from libs.responses.builder import ResponseBuilder
from libs.responses.frame import Frame
from libs.responses.stream_items import event
from services.provider_worker.dialect import Outcome

Json = dict[str, Any]


def as_stream(frame: Frame, outcome: Outcome) -> list[Event]:
    """The events up to the terminal one. They add up to the outcome's output as it is, items of every type included."""
    events = ResponseBuilder(frame).start()
    for index, item in enumerate(outcome.response.get("output") or []):
        opened, inner = _told(item, {"item_id": item.get("id"), "output_index": index})
        events.append(event("response.output_item.added", output_index=index, item=opened))
        events += inner
        events.append(event("response.output_item.done", output_index=index, item=item))
    return events


def _told(item: Json, place: Json) -> tuple[Json, list[Event]]:
    """The item as it was when it began, and the events that fill it."""
    match item.get("type"):
        case "message":
            parts = enumerate(item.get("content") or ())
            inner = [one for index, part in parts for one in _part("content_part", place | {"content_index": index}, part)]
            return item | {"status": "in_progress", "content": []}, inner
        case "reasoning":
            return _reasoning(item, place)
        case "function_call":
            inner = _text("function_call_arguments", place, "arguments", item.get("arguments") or "", {}, {"name": item.get("name")})
            return item | {"status": "in_progress", "arguments": ""}, inner
        case "custom_tool_call":
            return item | {"input": ""}, _text("custom_tool_call_input", place, "input", item.get("input") or "", {}, {})
    return item, []


def _reasoning(item: Json, place: Json) -> tuple[Json, list[Event]]:
    inner: list[Event] = []
    for index, part in enumerate(item.get("summary") or ()):
        inner += _part("reasoning_summary_part", place | {"summary_index": index}, part)
    for index, part in enumerate(item.get("content") or ()):
        inner += _part("content_part", place | {"content_index": index}, part)
    bare = {name: value for name, value in item.items() if name != "encrypted_content"}
    return bare | {"summary": []} | ({"content": []} if "content" in item else {}), inner


def _part(kind: str, place: Json, part: Json) -> list[Event]:
    what = "reasoning_summary_text" if part.get("type") == "summary_text" else str(part.get("type"))
    field = "refusal" if what == "refusal" else "text"
    opened = part | {field: ""} | ({"annotations": []} if "annotations" in part else {})
    more: Json = {"logprobs": []} if what == "output_text" else {}
    return [
        event(f"response.{kind}.added", **place, part=opened),
        *_text(what, place, field, part.get(field) or "", more, more),
        *(
            event("response.output_text.annotation.added", **place, annotation_index=number, annotation=note)
            for number, note in enumerate(part.get("annotations") or ())
        ),
        event(f"response.{kind}.done", **place, part=part),
    ]


def _text(what: str, place: Json, field: str, text: str, with_delta: Json, with_done: Json) -> list[Event]:
    done = event(f"response.{what}.done", **place, **{field: text}, **with_done)
    return [event(f"response.{what}.delta", **place, delta=text, **with_delta), done] if text else [done]

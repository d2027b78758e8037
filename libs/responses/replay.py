"""A response as the stream that it could have come as. Pure; always the same events for the same response."""

from typing import Any

from libs.contracts.deltas import Event
from libs.responses.stream_items import event

Json = dict[str, Any]


def events_of(response: Json) -> list[Event]:
    """All events but the terminal one."""
    opened = response | {"status": "in_progress", "output": [], "usage": None, "completed_at": None, "error": None, "output_text": ""}
    opening = [event(f"response.{kind}", response=opened) for kind in ("created", "in_progress")]
    return opening + item_events(response.get("output") or [])


def item_events(output: list[Json]) -> list[Event]:
    """The events that add up to some output items, items of every type included."""
    events: list[Event] = []
    for index, item in enumerate(output):
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
    opened = part | {field: ""} | {name: [] for name in ("annotations", "logprobs") if name in part}
    more: Json = {"logprobs": part.get("logprobs") or []} if what == "output_text" else {}
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

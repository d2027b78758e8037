"""Frames of WebSocket mode: JSON objects, events on the way out, `response.create` on the way in. Pure.

https://developers.openai.com/api/docs/guides/websocket-mode
"""

import re
from typing import Any

import msgspec

from libs.contracts.deltas import Event
from libs.contracts.errors import ErrorInfo, InvalidRequest, RequestTooLarge
from services.edge.body import parse

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode
_STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_ENVELOPE = frozenset({"type", "stream_id", "background"})
"""What a create event has beside a request's own fields."""


def decode(data: bytes, limit: int) -> Json:
    """The JSON object in a frame. Raises InvalidRequest, and RequestTooLarge above `limit` bytes."""
    if len(data) > limit:
        raise RequestTooLarge(f"the frame is larger than {limit} bytes")
    return parse(data)


def lane_of(event: Json) -> str | None:
    """The lane that an event names; None is the one without a name. Raises InvalidRequest."""
    stream_id = event.get("stream_id")
    if stream_id is not None and not (isinstance(stream_id, str) and _STREAM_ID.fullmatch(stream_id)):
        raise InvalidRequest(
            "stream_id must be 1 to 256 letters, digits, underscores, hyphens and periods; leave it out for the default lane",
            code="invalid_stream_id", param="stream_id",
        )
    return stream_id


def request_of(event: Json) -> Json:
    """What POST /v1/responses would get for the same answer, with `stream` true. Raises InvalidRequest."""
    if event.get("type") != "response.create":
        raise InvalidRequest(f"unknown event type '{event.get('type')}': send response.create", param="type")
    if event.get("background"):
        raise InvalidRequest("a background response cannot be created over a WebSocket; use POST /v1/responses", param="background")
    return {name: value for name, value in event.items() if name not in _ENVELOPE} | {"stream": True}


def event_frame(event: Event, number: int, lane: str | None) -> str:
    """An event as it goes out. `number`: its place in its response, from 0."""
    named = "" if lane is None else f',"stream_id":"{lane}"'
    return f'{event.data[:-1].decode()},"sequence_number":{number}{named}}}'


def error_frame(error: ErrorInfo, lane: str | None = None, request_id: str = "") -> str:
    """What went wrong, with the status that it would have over HTTP and that answer's headers."""
    told = error.body(request_id)["error"]
    headers = {name: value for name, value in error.headers(request_id).items() if value}
    if headers:
        told["headers"] = headers
    frame: Json = {"type": "error", "status": error.status, "error": told}
    if request_id:
        frame["request_id"] = request_id
    else:
        del told["request_id"]
    if lane is not None:
        frame["stream_id"] = lane
    return _encode(frame).decode()


def steer_failed_frame(event: Json) -> str:
    """The protocol's own refusal of a `response.steer` event: not every provider lets itself be steered."""
    frame = {
        "type": "response.steer.failed",
        "sequence_number": 0,
        "error": {
            "type": "invalid_request_error", "code": "steering_not_supported",
            "message": "responses cannot be steered; send the input with the next response.create",
        },
        "steer": {"previous_response_id": event.get("previous_response_id"), "input": event.get("input")},
    }
    return _encode(frame).decode()

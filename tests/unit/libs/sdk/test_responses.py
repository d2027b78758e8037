from typing import Any

import pytest
from openai.types.responses import Response

from tests.unit.libs.sdk.router import Router, answer, stream
from tokenrouter_sdk import ConflictError
from tokenrouter_sdk.types import Feedback

RESPONSE: dict[str, Any] = {
    "id": "resp_1", "object": "response", "status": "completed",
    "output": [{"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": []}]}],
}
EVENTS: list[dict[str, Any]] = [
    {"type": "response.output_text.delta", "delta": "hi", "sequence_number": 0},
    {"type": "response.completed", "response": RESPONSE, "sequence_number": 1},
]


def test_replay() -> None:
    router = Router(answer(RESPONSE))
    response = router.client().responses.replay("req_1")
    assert type(response) is Response
    assert response.output_text == "hi"
    assert router.asked() == ("POST", "/v1/responses/req_1", {"stream": False})


def test_replay_as_a_stream() -> None:
    router = Router(stream(*EVENTS))
    events = list(router.client().responses.replay("req_1", stream=True))
    assert [event.type for event in events] == ["response.output_text.delta", "response.completed"]
    assert router.asked()[2] == {"stream": True}


async def test_replay_asynchronously() -> None:
    assert (await Router(answer(RESPONSE)).async_client().responses.replay("req_1")).output_text == "hi"
    events = [event.type async for event in await Router(stream(*EVENTS)).async_client().responses.replay("req_1", stream=True)]
    assert events[-1] == "response.completed"


def test_nothing_to_replay_is_not_tried_again() -> None:
    told = {"error": {"type": "conflict_error", "code": "nothing_stored", "message": "nothing is stored"}}
    router = Router(answer(told, 409, x_should_retry="false"))
    with pytest.raises(ConflictError):
        router.client(max_retries=2).responses.replay("req_1")
    assert len(router.requests) == 1


def test_what_is_openais_stays() -> None:
    router = Router(stream(*[{"type": "response.created", "response": RESPONSE | {"output": []}, "sequence_number": 0}, EVENTS[1]]))
    with router.client().responses.stream(model="auto", input="hi") as events:
        assert events.get_final_response().id == "resp_1"
    raw = Router(answer(RESPONSE)).client().responses.with_raw_response.create(model="auto", input="hi")
    assert raw.parse().id == "resp_1"


FEEDBACK: dict[str, Any] = {
    "object": "feedback", "id": "fb_1", "response_id": "resp_1", "request_id": "req_1", "score": 0.5, "label": "late", "comment": None,
    "created_at": 1,
}


def test_feedback() -> None:
    router = Router(answer(FEEDBACK))
    told = router.client().responses.feedback("resp_1", score=0.5, label="late")
    assert (type(told), told.id, told.score, told.label, told.comment) == (Feedback, "fb_1", 0.5, "late", None)
    assert router.asked() == ("POST", "/v1/responses/resp_1/feedback", {"score": 0.5, "label": "late"})


async def test_feedback_asynchronously() -> None:
    router = Router(answer(FEEDBACK))
    assert (await router.async_client().responses.feedback("req_1", score=1, comment="good")).response_id == "resp_1"
    assert router.asked() == ("POST", "/v1/responses/req_1/feedback", {"score": 1, "comment": "good"})

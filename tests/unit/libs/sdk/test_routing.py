from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response, ResponseCompletedEvent

from tests.unit.libs.sdk.router import Router, answer
from tokenrouter_sdk import routing_of
from tokenrouter_sdk.types import Candidate, Notice, RuleTrace

TOLD: dict[str, Any] = {
    "request_id": "req_1", "provider": "openai", "model": "gpt-4o", "mode": "cost", "confidence": 0.83, "attempts": 2, "fallback": True,
    "rule_trace": [{"kind": "routing", "rule_id": 1, "name": "vip", "priority": 0, "matched": True, "action": {"set_mode": "cost"},
                    "conditions": [{"field": "task", "expected": "x", "matched": True}]}],
    "warnings": [{"source": "routing", "message": "careful", "rule_id": 1}], "cost_usd": 0.001, "latency_ms": 12.5,
    "candidates": [{"provider": "openai", "model": "gpt-4o", "score": 0.9}], "from_the_future": {"a": 1},
}
RESPONSE: dict[str, Any] = {"id": "resp_1", "object": "response", "output": [], "tokenrouter": TOLD}


def completed() -> ResponseCompletedEvent:
    return ResponseCompletedEvent.construct(type="response.completed", response=RESPONSE, sequence_number=1)


@pytest.mark.parametrize("told", [
    Response.construct(**RESPONSE), ChatCompletion.construct(id="c", tokenrouter=TOLD), CreateEmbeddingResponse.construct(tokenrouter=TOLD),
    completed(),
], ids=["response", "chat", "embeddings", "event"])
def test_every_kind_of_answer_tells_its_routing(told: object) -> None:
    routing = routing_of(told)
    assert (routing.request_id, routing.provider, routing.mode, routing.attempts, routing.fallback) == ("req_1", "openai", "cost", 2, True)
    assert isinstance(routing.rule_trace[0], RuleTrace)
    assert routing.rule_trace[0].conditions[0].field == "task"
    assert routing.warnings == [Notice(source="routing", message="careful", rule_id=1)]
    assert routing.candidates == [Candidate(provider="openai", model="gpt-4o", score=0.9)]
    assert (routing.sandbox, routing.adapted, routing.excluded) == (False, [], [])
    assert routing.model_extra == {"from_the_future": {"a": 1}}


@pytest.mark.parametrize("told", [Response.construct(id="resp_1"), Response.construct(id="resp_1", tokenrouter=None), None, "text"])
def test_what_does_not_tell_is_said_so(told: object) -> None:
    with pytest.raises(ValueError, match="does not say how it was routed"):
        routing_of(told)


PREVIEW = {
    "request_id": "req_1", "decision": {"mode": "cost", "candidates": TOLD["candidates"], "excluded": [], "confidence": 0.7},
    "route": {"provider": "openai", "model": "gpt-4o"}, "rule_trace": TOLD["rule_trace"], "firewall": {"masked": 1}, "warnings": TOLD["warnings"],
}


def test_preview_takes_what_create_takes() -> None:
    router = Router(answer(PREVIEW))
    client = router.client()
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "hi", "annotations": []}]}
    earlier = Response.construct(**RESPONSE | {"output": [message]})
    preview = client.routing.preview(
        model="auto", input=[*earlier.output, {"role": "user", "content": "more"}], metadata={"tier": "gold"}, router_mode="cost", stream=True,
    )
    method, path, body = router.asked()
    assert (method, path) == ("POST", "/v1/routing/preview")
    assert body == {
        "model": "auto", "input": [message, {"role": "user", "content": "more"}], "metadata": {"tier": "gold"}, "router_mode": "cost", "stream": True,
    }
    assert preview.route is not None
    assert (preview.route.provider, preview.route.model) == ("openai", "gpt-4o")
    assert preview.decision is not None
    assert preview.decision.candidates[0].score == 0.9
    assert preview.rule_trace[0].name == "vip"
    assert preview.firewall == {"masked": 1}


async def test_preview_asynchronously() -> None:
    preview = await Router(answer({"request_id": "req_1", "decision": None, "route": None})).async_client().routing.preview(input="hi")
    assert (preview.request_id, preview.decision, preview.route, preview.warnings) == ("req_1", None, None, [])

"""How a model is chosen, and how the choice is told, to clients as they are."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI, UnprocessableEntityError

from tests.e2e.stack import API_KEY, Stack, until
from tests.upstream import Behaviour, Call, Upstream


@pytest.fixture
def client(stack: Stack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=API_KEY, max_retries=0) as made:
        yield made


def provider_of(call: Call) -> str:
    return "anthropic" if call.path.endswith("/messages") else "openai"


def explained(stack: Stack, body: Any, path: str = "/v1/responses") -> dict[str, Any]:
    response = stack.post(body, path, **{"X-TokenRouter-Explain": "true"})
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()["tokenrouter"]
    return told


def test_every_answer_says_briefly_why(client: OpenAI) -> None:
    response = client.responses.create(model="auto:cost", input="Say hello.")
    assert response.metadata is not None
    assert response.metadata["routing_reason"].count("score") == 2
    assert response.metadata["routing_mode"] == "cost"


def test_and_in_full_on_request(stack: Stack) -> None:
    told = explained(stack, {"model": "auto:quality", "input": "Prove that the sum of two odd integers is even.", "max_output_tokens": 300})
    decision, candidates = told["decision"], told["candidates"]
    assert decision["weights"] == {"cost": 0.1, "quality": 0.8, "latency": 0.1}
    assert decision["chosen_for"] == "score"
    assert 0 < decision["expected"]["output_tokens"] <= 300
    assert decision["reading"]["version"]
    assert told["reason"]
    assert [one["score"] for one in candidates] == sorted((one["score"] for one in candidates), reverse=True)
    shown = {"provider", "model", "score", "quality", "expected_usd", "expected_s", "ttft_s", "tokens_per_s", "price_version"}
    assert all(shown <= one.keys() for one in candidates)
    assert {one["provider"] for one in told["excluded"]} >= {"gemini", "mistral", "deepseek"}
    assert all(one["reason"] for one in told["excluded"])


def test_the_ledger_has_the_same(stack: Stack) -> None:
    response = stack.post({"model": "auto:balance", "input": "Write a limerick about a lighthouse."}).json()
    columns = "reason, chosen_for, candidate, expected_usd > 0, expected_s > 0, JSONExtractString(decision, 'weights'), JSONHas(facts, 'input_chars')"
    [row] = until(lambda: stack.sql(f"SELECT {columns} FROM requests WHERE request_id = '{response['request_id']}'"), 20, "the row")
    assert row[0] == response["metadata"]["routing_reason"]
    assert row[1] == "score"
    assert row[2] == f"{response['tokenrouter']['provider']}/{response['tokenrouter']['model']}"
    assert row[3:5] == ["1", "1"]
    assert row[6] == "1"


def test_a_preview_tells_the_same_and_calls_nobody(stack: Stack, upstream: Upstream) -> None:
    body = {"model": "auto:quality", "input": "What is 17 * 23?"}
    told = explained(stack, body)
    called = len(upstream.calls)
    preview = stack.post(body, "/v1/routing/preview").json()
    assert len(upstream.calls) == called
    assert preview["route"]["model"] == told["model"]
    assert preview["decision"]["reading"] == told["decision"]["reading"]
    assert preview["decision"]["weights"] == told["decision"]["weights"]
    assert [one["model"] for one in preview["decision"]["candidates"]] == [one["model"] for one in told["candidates"]]


class TestWishes:
    """The `provider` object, sent as OpenRouter's clients do, through the official client."""

    @pytest.mark.parametrize("first", ["openai", "anthropic"])
    def test_order(self, client: OpenAI, upstream: Upstream, first: str) -> None:
        client.responses.create(model="auto", input="Hi", extra_body={"provider": {"order": [first]}})
        client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "Hi"}], extra_body={"provider": {"order": [first.title()]}}
        )
        assert {provider_of(call) for call in upstream.calls} == {first}

    def test_only_leaves_no_other(self, client: OpenAI) -> None:
        with pytest.raises(UnprocessableEntityError, match=r"provider\.only"):
            client.responses.create(model="gpt-4o", input="Hi", extra_body={"provider": {"only": ["anthropic"]}})

    def test_fallbacks_that_are_not_allowed_are_not_made(self, stack: Stack, upstream: Upstream) -> None:
        upstream.script = lambda call: Behaviour(status=500)
        response = stack.post({"model": "auto", "input": "Hi", "provider": {"only": ["openai"], "allow_fallbacks": False}})
        assert response.status_code >= 500
        assert {call.body["model"] for call in upstream.calls} == {upstream.calls[0].body["model"]}

    def test_a_price_limit_and_what_is_not_heeded(self, stack: Stack) -> None:
        told = explained(stack, {"model": "auto", "input": "Hi", "provider": {"max_price": {"prompt": 0.5}, "quantizations": ["fp8"]}})
        assert any("provider.max_price.prompt" in one["reason"] for one in told["excluded"])
        assert "not heeded in provider: quantizations" in [one["message"] for one in told["warnings"]]

    def test_a_wrong_wish_is_complained_of(self, stack: Stack) -> None:
        response = stack.post({"model": "auto", "input": "Hi", "provider": {"sort": "fun"}})
        assert (response.status_code, response.json()["error"]["param"]) == (400, "provider.sort")


def test_embeddings_tell_how_their_model_was_chosen(stack: Stack) -> None:
    told = explained(stack, {"model": "auto", "input": "hello", "provider": {"only": ["openai"], "quantizations": ["int8"]}}, "/v1/embeddings")
    assert (told["provider"], told["candidates"][0]["model"], told["decision"]["reading"]) == ("openai", told["model"], None)
    warnings = [one["message"] for one in told["warnings"]]
    assert any("cannot be compared" in one for one in warnings)
    assert "not heeded in provider: quantizations" in warnings
    plain = stack.post({"model": "text-embedding-3-small", "input": "hello"}, "/v1/embeddings").json()["tokenrouter"]
    assert plain["cost_usd"] > 0
    assert "candidates" not in plain


def test_a_split_rule_sends_requests_both_ways(stack: Stack, upstream: Upstream) -> None:
    rule = {
        "name": "canary", "is_enabled": True, "priority": 9, "match_json": {"metadata_equals": {"canary": "yes"}},
        "action_json": {"split": [{"weight": 3, "model": "gpt-4o"}, {"weight": 1, "model": "claude-haiku-4-5"}]},
    }
    made = stack.post(rule, "/v1/routing-rules").json()["data"]
    try:
        body = {"model": "auto", "input": "Hi", "metadata": {"canary": "yes"}}
        until(lambda: stack.post(body, "/v1/routing/preview").json()["decision"]["chosen_for"] == "split", 10, "the rule")
        upstream.reset()
        answers = [stack.post(body).json() for _ in range(40)]
        assert 29 <= sum(answer["model"].startswith("gpt-4o") for answer in answers) <= 31
        reasons = [answer["metadata"]["routing_reason"] for answer in answers]
        assert all("its turn in the split" in reason or "only candidate" in reason for reason in reasons)
    finally:
        httpx.delete(f"{stack.url}/v1/routing-rules/{made['id']}", headers=stack.auth)


def test_a_model_that_became_slow_is_seen_to_be(stack: Stack, upstream: Upstream) -> None:
    """The signals of the last calls, as the next decision sees them."""
    body = {"model": "gpt-4.1-nano", "input": "Say hello."}

    def expected() -> float:
        candidate: dict[str, Any] = stack.post(body, "/v1/routing/preview").json()["decision"]["candidates"][0]
        return float(candidate["expected_s"])

    before = expected()
    upstream.script = lambda call: Behaviour(delay=1.5)
    stack.post(body)
    until(lambda: expected() > before * 1.2, 10, "the signal")


def test_a_conversation_stays_with_the_model_that_has_its_beginning_in_the_cache(stack: Stack) -> None:
    """No wish, no rule: the second turn is longer, so another model might be cheaper, but the first one has the prefix."""
    instructions = "You are a careful assistant. " * 400
    first = stack.post({"model": "openai/gpt-4.1-mini", "instructions": instructions, "input": "Hello there.", "store": True}).json()

    def cached() -> dict[str, Any] | None:
        preview = stack.post({
            "model": "auto", "instructions": instructions, "input": "And now?", "previous_response_id": first["id"],
        }, "/v1/routing/preview").json()
        return next((one for one in preview["decision"]["candidates"] if one.get("cached_tokens")), None)

    candidate = until(cached, 10, "the mark")
    assert candidate is not None
    assert (candidate["provider"], candidate["model"]) == ("openai", "gpt-4.1-mini")

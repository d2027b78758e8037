"""Our own SDK against the whole stack: what it adds to openai's client, and that openai's part still works through it."""

from collections.abc import AsyncIterator, Iterator

import openai
import pytest
from pydantic import BaseModel

from tests.e2e.stack import API_KEY, Stack, until
from tests.upstream import Behaviour, Upstream
from tokenrouter_sdk import (
    EXPLAIN,
    AsyncTokenRouter,
    AuthenticationError,
    BadRequestError,
    FirewallBlockedError,
    NotFoundError,
    RateLimitError,
    RoutingError,
    TokenRouter,
    UnprocessableEntityError,
    router,
    routing_of,
)


@pytest.fixture
def client(stack: Stack) -> Iterator[TokenRouter]:
    with TokenRouter(base_url=stack.url, api_key=API_KEY, max_retries=0) as made:
        yield made
        for rules in (made.routing_rules, made.firewall_rules):
            for rule in rules.list():
                rules.delete(rule.id)


@pytest.fixture
async def waiting(stack: Stack, client: TokenRouter) -> AsyncIterator[AsyncTokenRouter]:
    async with AsyncTokenRouter(base_url=stack.url, api_key=API_KEY, max_retries=0) as made:
        yield made


def test_a_response_tells_its_routing(client: TokenRouter) -> None:
    response = client.responses.create(model="auto:cost", input="hi")
    routing = routing_of(response)
    assert response.output_text == "Hello from upstream."
    assert response.metadata is not None
    assert (routing.provider, routing.request_id) == (response.metadata["provider"], response.metadata["request_id"])
    assert (routing.mode, routing.attempts, routing.fallback, routing.sandbox) == ("cost", 1, False, False)
    assert routing.cost_usd is not None
    assert routing.cost_usd > 0
    assert routing.candidates == []


def test_an_explanation_names_what_else_there_was(client: TokenRouter) -> None:
    routing = routing_of(client.responses.create(model="auto", input="hi", extra_headers=EXPLAIN))
    scores = [candidate.score for candidate in routing.candidates]
    assert len(scores) > 5
    assert scores == sorted(scores, reverse=True)
    assert all(excluded.reason for excluded in routing.excluded)


def test_wishes_of_a_request(client: TokenRouter) -> None:
    response = client.responses.create(model="auto", input="hi", extra_body=router(mode="latency", provider="anthropic"))
    assert (routing_of(response).mode, routing_of(response).provider) == ("latency", "anthropic")


def test_your_own_key_reaches_its_provider_alone(stack: Stack, upstream: Upstream) -> None:
    with TokenRouter(base_url=stack.url, api_key=API_KEY, provider_keys={"openai": "sk-fake-of-the-client"}, max_retries=0) as client:
        client.responses.create(model="openai/gpt-4o", input="hi")
        client.responses.create(model="anthropic/claude-sonnet-4-5", input="hi")
    first, second = upstream.calls
    assert first.headers["authorization"] == "Bearer sk-fake-of-the-client"
    assert second.headers["x-api-key"] == "sk-ant-fake"
    assert "sk-fake-of-the-client" not in str(second.headers)


def test_streams(client: TokenRouter) -> None:
    with client.responses.stream(model="claude-sonnet-4-5", input="hi") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == final.output_text == "Hello from upstream."
    assert routing_of(final).provider == "anthropic"


async def test_asynchronously(waiting: AsyncTokenRouter) -> None:
    stream = await waiting.responses.create(model="gpt-4o", input="hi", stream=True)
    events = [event async for event in stream]
    assert routing_of(events[-1]).provider == "openai"
    response = await waiting.responses.create(model="gpt-4o", input="hi")
    assert response.output_text == "Hello from upstream."


def test_answers_are_parsed(client: TokenRouter, upstream: Upstream) -> None:
    class Weather(BaseModel):
        city: str
        celsius: int

    upstream.script = lambda call: Behaviour(text='{"city": "Paris", "celsius": 18}')
    parsed = client.responses.parse(model="gpt-4o", input="The weather in Paris?", text_format=Weather)
    assert parsed.output_parsed == Weather(city="Paris", celsius=18)


def test_routing_rules(client: TokenRouter) -> None:
    rules = client.routing_rules
    low = rules.create(name="low", match_json={}, action_json={"set_mode": "cost"}, priority=-5, is_enabled=False)
    high = rules.create(name="high", match_json={"task": "x"}, action_json={"add_warning": {"message": "careful"}}, priority=5)
    assert rules.list() == [high, low]
    assert rules.retrieve(low.id) == low
    changed = rules.update(low.id, name="lower", priority=-9)
    assert (changed.name, changed.priority, changed.is_enabled, changed.action_json) == ("lower", -9, False, {"set_mode": "cost"})
    assert rules.delete(low.id).success
    with pytest.raises(NotFoundError):
        rules.retrieve(low.id)

    def warned() -> list[str]:
        return [warning.message for warning in routing_of(client.responses.create(model="gpt-4o", input="hi", metadata={"task": "x"})).warnings]

    assert until(warned, 10.0, "the rule") == ["careful"]


async def test_rules_asynchronously(waiting: AsyncTokenRouter) -> None:
    made = await waiting.firewall_rules.create(name="keys", pattern="sk-[a-z]{8}", type="regex", action="mask", replacement="***")
    assert (await waiting.firewall_rules.update(made.id, replacement=None)).replacement is None
    assert [rule.id for rule in await waiting.firewall_rules.list()] == [made.id]
    assert (await waiting.firewall_rules.delete(made.id)).success


def test_wrong_fields_are_named(client: TokenRouter) -> None:
    with pytest.raises(UnprocessableEntityError) as caught:
        client.firewall_rules.create(name="x", pattern="(?=x)", type="regex", action="block")
    assert type(caught.value) is UnprocessableEntityError
    assert caught.value.param == "pattern"


def test_a_block_names_its_rule(client: TokenRouter, upstream: Upstream) -> None:
    rule = client.firewall_rules.create(name="secrets", pattern="top secret", action="block")

    def refused() -> FirewallBlockedError | None:
        try:
            client.responses.create(model="gpt-4o", input="a TOP SECRET plan")
        except FirewallBlockedError as error:
            return error
        return None

    error = until(refused, 10.0, "the block")
    assert error is not None
    assert isinstance(error, openai.UnprocessableEntityError)
    assert (error.status_code, error.code) == (422, "firewall_blocked")
    assert [trace["rule_id"] for trace in error.rule_trace] == [rule.id]
    assert str(error.request_id).startswith("req_")
    upstream.reset()
    with pytest.raises(FirewallBlockedError):
        client.responses.create(model="gpt-4o", input="a top secret plan", stream=True)
    assert upstream.calls == []


def test_a_route_that_a_rule_closed_names_the_rule(client: TokenRouter) -> None:
    rule = client.routing_rules.create(name="elsewhere", match_json={"task": "x"}, action_json={"set_provider": "gemini"})

    def refused() -> RoutingError | None:
        try:
            client.responses.create(model="gpt-4o", input="hi", metadata={"task": "x"})
        except RoutingError as error:
            return error
        return None

    error = until(refused, 10.0, "the rule")
    assert error is not None
    assert error.code == "provider_key_missing"
    assert [trace["rule_id"] for trace in error.rule_trace] == [rule.id]


def test_errors(stack: Stack, client: TokenRouter) -> None:
    with pytest.raises(AuthenticationError) as unknown:
        client.with_options(api_key="tr_wrong").responses.create(model="gpt-4o", input="hi")
    assert unknown.value.code == "invalid_api_key"
    with pytest.raises(NotFoundError) as missing:
        client.responses.create(model="no-such-model", input="hi")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(BadRequestError) as wrong:
        client.responses.create(model="gpt-4o", input="hi", temperature=7)
    assert wrong.value.param == "temperature"
    assert str(wrong.value.request_id).startswith("req_")


def test_a_limit_says_when_to_come_back(client: TokenRouter, upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(status=429, headers={"retry-after": "2"})
    with pytest.raises(RateLimitError) as caught:
        client.responses.create(model="anthropic/claude-haiku-4-5", input="hi")
    assert caught.value.retry_after is not None
    assert 1 <= caught.value.retry_after <= 10
    assert caught.value.provider == "anthropic"


def test_a_preview_calls_nobody(client: TokenRouter, upstream: Upstream) -> None:
    preview = client.routing.preview(model="auto:cost", input="hi", metadata={"team": "blue"})
    assert preview.request_id.startswith("req_")
    assert preview.decision is not None
    assert preview.decision.mode == "cost"
    assert preview.route is not None
    best = preview.decision.candidates[0]
    assert (preview.route.provider, preview.route.model) == (best.provider, best.model)
    assert upstream.calls == []


def test_logs(client: TokenRouter) -> None:
    asked = [routing_of(client.responses.create(model="gpt-4o", input="hi", metadata={"n": str(n)})).request_id for n in range(3)]
    until(lambda: all(client.logs.list(request_id=request_id).data for request_id in asked), 20.0, "the rows")
    seen: list[str] = []
    for entry in client.logs.list(limit=2, model="gpt-4o"):
        seen.append(entry.request_id)
        if set(asked) <= set(seen):
            break
    assert [request_id for request_id in seen if request_id in asked] == asked[::-1]
    record = client.logs.retrieve(asked[0])
    assert (record.provider, record.status, record.metadata["n"]) == ("openai", "completed", "0")
    assert (record.tokens.input, record.tokens.output) == (11, 7)
    assert [hop.stage for hop in record.hops if hop.stage == "router"] == ["router"]
    assert record.attempt_rows[0].status == "completed"
    with pytest.raises(NotFoundError):
        client.logs.retrieve("req_00000000-0000-4000-8000-000000000000")


def test_replay(client: TokenRouter, upstream: Upstream) -> None:
    response = client.responses.create(model="gpt-4o", input="hi")
    upstream.reset()
    assert client.responses.replay(routing_of(response).request_id).output_text == response.output_text
    events = list(client.responses.replay(response.id, stream=True))
    assert events[-1].type == "response.completed"
    assert upstream.calls == []
    with pytest.raises(NotFoundError):
        client.responses.replay("req_00000000-0000-4000-8000-000000000000")


def test_chat_completions_tell_their_routing(client: TokenRouter) -> None:
    completion = client.chat.completions.create(model="anthropic/claude-sonnet-4-5", messages=[{"role": "user", "content": "hi"}])
    assert completion.choices[0].message.content == "Hello from upstream."
    assert routing_of(completion).provider == "anthropic"


def test_a_connection_uses_the_same_key(client: TokenRouter) -> None:
    with client.responses.connect() as connection:
        connection.response.create(model="gpt-4o", input="hi")
        final = next(event.response for event in connection if event.type == "response.completed")
    assert routing_of(final).provider == "openai"


async def test_a_conversation_asynchronously(waiting: AsyncTokenRouter) -> None:
    first = await waiting.responses.create(model="gpt-4o", input="hi")
    second = await waiting.responses.create(model="claude-sonnet-4-5", input="and?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert (await waiting.responses.retrieve(second.id)).output_text == second.output_text

"""State that works at once: the next turn 0 ms after the last one, on every provider, on another edge, after a change of provider."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.stack import API_KEY, Stack, events, until
from tests.upstream import Behaviour, Upstream

Json = dict[str, Any]
# Provider → one of its models. All of them stand before the same scripted provider.
MODELS = {
    "openai": "openai/gpt-4o", "anthropic": "anthropic/claude-haiku-4-5", "gemini": "gemini/gemini-3.5-flash-lite",
    "deepseek": "deepseek/deepseek-v4-pro", "mistral": "mistral/mistral-small-2603",
}
OTHERS = {"openai": "anthropic", "anthropic": "gemini", "gemini": "mistral", "mistral": "deepseek", "deepseek": "openai"}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    provider = Upstream()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Stack]:
    url = upstream.url
    stack = Stack(
        Path(tmp_path_factory.mktemp("state")) / "home", SCALE="edge=2",
        **{f"{name.upper()}_API_KEY": f"sk-fake-{name}" for name in MODELS},
        OPENAI_BASE_URL=f"{url}/openai/v1", ANTHROPIC_BASE_URL=f"{url}/anthropic", GEMINI_BASE_URL=f"{url}/gemini",
        DEEPSEEK_BASE_URL=f"{url}/deepseek", MISTRAL_BASE_URL=f"{url}/mistral",
    ).start()
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def edges(stack: Stack) -> Iterator[list[httpx.Client]]:
    """A client for each edge: the kernel spreads connections over them, and a connection stays where it is."""
    with ExitStack() as opened:
        found: dict[str, httpx.Client] = {}

        def both() -> bool:
            client = opened.enter_context(httpx.Client(base_url=stack.url, headers=stack.auth, timeout=30.0))
            found.setdefault(client.get("/readyz").json()["instance"], client)
            return len(found) == 2

        until(both, 30.0, "a connection to each edge")
        yield list(found.values())


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.reset()


def ask(client: httpx.Client, body: Json) -> Json:
    """The final response, plain or streamed."""
    answer = client.post("/v1/responses", content=json.dumps(body))
    assert answer.status_code == 200, answer.text
    final: Json = events(answer)[-1]["response"] if body.get("stream") else answer.json()
    assert final["status"] == "completed", final
    return final


@pytest.mark.parametrize("where", ["same edge", "other edge", "provider switched"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("provider", MODELS)
def test_the_next_turn_comes_at_once(edges: list[httpx.Client], upstream: Upstream, provider: str, stream: bool, where: str) -> None:
    upstream.script = lambda call: Behaviour(text="The word is plover.")
    first = ask(edges[0], {"model": MODELS[provider], "input": "Say a word, quagga.", "stream": stream})
    second_provider = OTHERS[provider] if where == "provider switched" else provider
    client = edges[1] if where == "other edge" else edges[0]
    second = ask(client, {
        "model": MODELS[second_provider], "input": "Which one?", "stream": stream,
        "previous_response_id": first["id"],
    })
    assert second["previous_response_id"] == first["id"]
    assert second["metadata"]["provider"] == second_provider
    third = ask(client, {"model": MODELS[provider], "input": "Sure?", "previous_response_id": second["id"]})
    sent = json.dumps(upstream.calls[-1].body)
    for said in ("quagga", "plover", "Which one?", "Sure?"):
        assert said in sent
    assert sent.index("quagga") < sent.index("plover") < sent.index("Which one?") < sent.index("Sure?")
    assert client.get(f"/v1/responses/{third['id']}").json() == third


def test_what_is_deleted_is_gone_everywhere(edges: list[httpx.Client]) -> None:
    first = ask(edges[0], {"model": "gpt-4o", "input": "wombat"})
    path = f"/v1/responses/{first['id']}"
    assert edges[1].delete(path).status_code == 200
    for answer in (
        edges[0].get(path), edges[0].get(f"{path}/input_items"), edges[0].delete(path), edges[1].get(path),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "response_not_found")
    again = edges[0].post("/v1/responses", json={"model": "gpt-4o", "input": "and?", "previous_response_id": first["id"]})
    assert again.json()["error"]["code"] == "previous_response_not_found"


def test_what_is_not_to_be_stored_is_not(edges: list[httpx.Client]) -> None:
    first = ask(edges[0], {"model": "gpt-4o", "input": "hi", "store": False})
    assert first["store"] is False
    assert edges[0].get(f"/v1/responses/{first['id']}").status_code == 404
    replayed = edges[0].post(f"/v1/responses/{first['request_id']}", content=b"{}")
    assert replayed.status_code == 409
    assert replayed.headers["x-should-retry"] == "false"


def test_an_unknown_request_cannot_be_replayed(edges: list[httpx.Client]) -> None:
    assert edges[0].post("/v1/responses/req_00000000-0000-4000-8000-000000000000", content=b"{}").status_code == 404


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_replay_is_the_same_answer_and_calls_nobody(edges: list[httpx.Client], upstream: Upstream, stream: bool) -> None:
    upstream.script = lambda call: Behaviour(text="one two three four", chunks=4)
    answer = edges[0].post("/v1/responses", content=json.dumps({"model": "gpt-4o", "input": "hi", "stream": stream}))
    final = events(answer)[-1]["response"] if stream else answer.json()
    calls = len(upstream.calls)
    assert edges[1].post(f"/v1/responses/{final['request_id']}", content=b"{}").json() == final
    streamed = edges[1].post(f"/v1/responses/{final['id']}", content=b'{"stream": true}')
    assert events(streamed)[-1]["response"] == final
    if stream:
        assert streamed.content == answer.content
        resumed = edges[1].get(f"/v1/responses/{final['id']}", params={"stream": "true", "starting_after": 4})
        assert events(resumed) == events(answer)[5:]
    assert len(upstream.calls) == calls


def test_a_conversation_holds_what_was_said_in_it(stack: Stack, upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(text="numbat")
    with openai.OpenAI(api_key=API_KEY, base_url=f"{stack.url}/v1", max_retries=0) as client:
        conversation = client.conversations.create(items=[{"type": "message", "role": "user", "content": "I like okapis."}])
        client.responses.create(model="gpt-4o", input="Name one.", conversation=conversation.id)
        client.responses.create(model="claude-haiku-4-5", input="Another?", conversation=conversation.id)
        sent = json.dumps(upstream.calls[-1].body)
        assert sent.index("okapis") < sent.index("Name one.") < sent.index("numbat") < sent.index("Another?")
        held = list(client.conversations.items.list(conversation.id, order="asc"))
        assert [item.type for item in held] == ["message"] * 5
        client.conversations.delete(conversation.id)
        with pytest.raises(openai.NotFoundError):
            client.conversations.retrieve(conversation.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.create(model="gpt-4o", input="Hm?", conversation=conversation.id)


def test_a_tool_loop_over_stored_state(stack: Stack, upstream: Upstream) -> None:
    tool: Any = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    upstream.script = lambda call: Behaviour(call=True) if len(upstream.calls) == 1 else Behaviour(text="Rain.")
    with openai.OpenAI(api_key=API_KEY, base_url=f"{stack.url}/v1", max_retries=0) as client:
        first = client.responses.create(model="gpt-4o", input="Weather?", tools=[tool])
        (call,) = (item for item in first.output if item.type == "function_call")
        second = client.responses.create(
            model="claude-haiku-4-5", previous_response_id=first.id, tools=[tool],
            input=[{"type": "function_call_output", "call_id": call.call_id, "output": "rain"}],
        )
    assert second.output_text == "Rain."


def test_items_can_be_named_by_id(edges: list[httpx.Client], upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(text="axolotl")
    first = ask(edges[0], {"model": "gpt-4o", "input": "Say a word."})
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    ask(edges[1], {"model": "claude-haiku-4-5", "input": [
        {"role": "user", "content": "Say a word."}, reference, {"role": "user", "content": "Again."},
    ]})
    assert "axolotl" in json.dumps(upstream.calls[-1].body)
    unknown = edges[0].post("/v1/responses", json={"model": "gpt-4o", "input": [{"type": "item_reference", "id": "msg_none"}]})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "item_not_found")


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_an_idempotency_key_makes_one_call(edges: list[httpx.Client], upstream: Upstream, path: str, stream: bool) -> None:
    body: Json = {"model": "gpt-4o", "stream": stream}
    body |= {"input": "hi"} if path.endswith("responses") else {"messages": [{"role": "user", "content": "hi"}]}
    headers = {"Idempotency-Key": f"key-{path}-{stream}"}
    first = edges[0].post(path, json=body, headers=headers)
    assert first.status_code == 200
    assert first.headers["idempotency-key"] == headers["Idempotency-Key"]
    repeated = edges[1].post(path, json=body, headers=headers)
    assert (repeated.status_code, repeated.content) == (200, first.content)
    assert len(upstream.calls) == 1
    other = edges[1].post(path, json=body | {"temperature": 0.5}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert other.headers["x-should-retry"] == "false"


def test_the_key_that_was_issued_repeats_the_answer(edges: list[httpx.Client], upstream: Upstream) -> None:
    body = {"model": "gpt-4o", "input": "hi"}
    first = edges[0].post("/v1/responses", json=body)
    repeated = edges[1].post("/v1/responses", json=body, headers={"Idempotency-Key": first.headers["idempotency-key"]})
    assert repeated.content == first.content
    assert len(upstream.calls) == 1


def test_a_failed_request_may_be_tried_again_with_its_key(edges: list[httpx.Client], upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(status=400, error={"error": {"message": "no", "type": "invalid_request_error"}})
    body, headers = {"model": "gpt-4o-mini", "input": "hi"}, {"Idempotency-Key": "key-after-failure"}
    assert edges[0].post("/v1/responses", json=body, headers=headers).status_code == 400
    upstream.script = lambda call: Behaviour()
    assert edges[0].post("/v1/responses", json=body, headers=headers).status_code == 200


def test_a_running_duplicate_waits_for_the_first(stack: Stack, edges: list[httpx.Client], upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(delay=1.0)
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(client.post, "/v1/responses", json={"model": "gpt-4o", "input": "hi"}, headers={"Idempotency-Key": "key-twice"})
            for client in edges
        ]
        first, second = (one.result() for one in asked)
    assert first.content == second.content
    assert len(upstream.calls) == 1


def test_a_preview_calls_nobody_and_leaves_no_row(stack: Stack, edges: list[httpx.Client], upstream: Upstream) -> None:
    told = edges[0].post("/v1/routing/preview", json={"model": "openai/gpt-4o", "input": "hi"})
    assert (told.status_code, told.json()["route"]["model"]) == (200, "gpt-4o")
    assert edges[0].post("/v1/routing/preview", json={"model": "no-such-model", "input": "hi"}).status_code == 404
    assert edges[0].post("/v1/routing/preview", json={"model": 7}).status_code == 400
    assert upstream.calls == []
    # The ledger is written in order, so a later request's row shows that theirs would be there.
    later = ask(edges[0], {"model": "gpt-4o", "input": "hi"})
    stack.row(later["request_id"], "status")
    assert stack.sql("SELECT count() FROM requests WHERE endpoint = 'preview'") == [["0"]]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_key_covers_all_choices(edges: list[httpx.Client], upstream: Upstream, stream: bool) -> None:
    body = {"model": "gpt-4o", "n": 3, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"Idempotency-Key": f"key-choices-{stream}"}
    first = edges[0].post("/v1/chat/completions", json=body, headers=headers)
    assert first.status_code == 200
    repeated = edges[1].post("/v1/chat/completions", json=body, headers=headers)
    assert len(upstream.calls) == 3
    if not stream:
        assert [choice["index"] for choice in first.json()["choices"]] == [0, 1, 2]
        assert repeated.json()["choices"] == first.json()["choices"]


def test_counting_and_compacting_leave_a_conversation_as_it_is(stack: Stack) -> None:
    with openai.OpenAI(api_key=API_KEY, base_url=f"{stack.url}/v1", max_retries=0) as client:
        conversation = client.conversations.create(items=[{"type": "message", "role": "user", "content": "I like okapis."}])
        counted = httpx.post(
            f"{stack.url}/v1/responses/input_tokens", json={"model": "gpt-4o", "input": "hi", "conversation": conversation.id}, headers=stack.auth,
        )
        assert counted.status_code == 200, counted.text
        assert len(list(client.conversations.items.list(conversation.id))) == 1

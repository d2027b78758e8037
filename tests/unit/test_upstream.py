"""The scripted provider answers as providers do until it is told otherwise, and breaks exactly where it is told to."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import types
from mistralai.client import Mistral

from tests.upstream import Behaviour, Upstream

TEXT = "Hello from upstream."
SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
FLAT: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
PATHS = ("/v1/responses", "/v1/messages", "/mistral/v1/chat/completions", "/v1beta/models/m:streamGenerateContent?alt=sse")


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture
def upstream(provider: Upstream) -> Upstream:
    provider.reset()
    return provider


def script(upstream: Upstream, **behaviour: Any) -> None:
    upstream.script = lambda call: Behaviour(**behaviour)


def post(upstream: Upstream, path: str = PATHS[0], **body: Any) -> httpx.Response:
    return httpx.post(upstream.url + path, json={"model": "m", "stream": True} | body, timeout=2.0)


# What it says is accepted by each provider's SDK, whole and streamed; the second item is a call.


@pytest.mark.parametrize("stream", [False, True])
def test_openai_responses(upstream: Upstream, stream: bool) -> None:
    script(upstream, items=2, call=True)
    with openai.OpenAI(base_url=f"{upstream.url}/v1", api_key="sk-fake", max_retries=0, _strict_response_validation=True) as gpt:
        if stream:
            with gpt.responses.stream(model="m", input="Hi", tools=[FLAT]) as events:
                response: Any = events.get_final_response()
        else:
            response = gpt.responses.create(model="m", input="Hi", tools=[FLAT])
    message, call = response.output
    assert (message.content[0].text, call.name, call.arguments) == (TEXT, "weather", '{"city": "Bern"}')
    assert message.id != call.id


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic(upstream: Upstream, stream: bool) -> None:
    script(upstream, items=2, call=True)
    asked: Any = {
        "model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "tools": [{"name": "weather", "input_schema": SCHEMA}],
    }  # fmt: skip
    with anthropic.Anthropic(base_url=upstream.url, api_key="sk-ant-fake", max_retries=0, _strict_response_validation=True) as claude:
        if stream:
            with claude.messages.stream(**asked) as events:
                message: Any = events.get_final_message()
        else:
            message = claude.messages.create(**asked)
    assert (message.content[0].text, message.content[1].name, message.content[1].input) == (TEXT, "weather", {"city": "Bern"})
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("stream", [False, True])
def test_openai_chat(upstream: Upstream, stream: bool) -> None:
    script(upstream, items=2, call=True)
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [FUNCTION]}
    with openai.OpenAI(base_url=f"{upstream.url}/v1", api_key="sk-fake", max_retries=0, _strict_response_validation=True) as gpt:
        if stream:
            with gpt.chat.completions.stream(stream_options={"include_usage": True}, **asked) as chunks:
                found: Any = chunks.get_final_completion()
        else:
            found = gpt.chat.completions.create(**asked)
    message = found.choices[0].message
    assert (message.content, message.tool_calls[0].function.name) == (TEXT, "weather")
    assert found.usage.total_tokens == 18


def test_mistral(upstream: Upstream) -> None:
    script(upstream, items=2, call=True)
    with Mistral(api_key="fake", server_url=f"{upstream.url}/mistral") as mistral:
        deltas: Any = [event.data.choices[0].delta for event in mistral.chat.stream(model="m", messages=[{"role": "user", "content": "Hi"}])]
    assert "".join(delta.content or "" for delta in deltas if isinstance(delta.content, str)) == TEXT
    assert upstream.calls[0].path == "/mistral/v1/chat/completions"


@pytest.mark.parametrize("stream", [False, True])
def test_gemini(upstream: Upstream, stream: bool) -> None:
    script(upstream, items=2, call=True)
    options = types.HttpOptions(base_url=f"{upstream.url}/gemini")
    left = types.AutomaticFunctionCallingConfig(disable=True)
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[{"name": "weather"}])], automatic_function_calling=left)
    with genai.Client(api_key="fake", http_options=options) as gemini:
        ask = gemini.models.generate_content_stream if stream else gemini.models.generate_content
        answered: Any = ask(model="m", contents="Hi", config=config)
        parts = [part for chunk in (answered if stream else [answered]) for part in chunk.candidates[0].content.parts]
    assert "".join(part.text or "" for part in parts) == TEXT
    assert [part.function_call.args for part in parts if part.function_call] == [{"city": "Bern"}]


# It breaks where it is told to.


@pytest.mark.parametrize("path", PATHS)
def test_cut_after_deltas(upstream: Upstream, path: str) -> None:
    whole = post(upstream, path).content
    for count in range(6):
        script(upstream, cut_after=count)
        cut = post(upstream, path).content
        assert whole.startswith(cut)
        assert cut.count(b"delta" if "v1beta" not in path else b"data:") >= count
        assert len(cut) < len(whole)
        assert upstream.calls[-1].sent == len(cut)
        assert upstream.calls[-1].closed_at is None


@pytest.mark.parametrize(("items", "after", "done", "begun"), [(2, 1, 1, 1), (2, 2, 2, 2), (3, 0, 0, 0)])
def test_cut_after_items(upstream: Upstream, items: int, after: int, done: int, begun: int) -> None:
    script(upstream, items=items, cut_after_items=after)
    responses, messages = (post(upstream, path).text for path in PATHS[:2])
    assert (responses.count("event: response.output_item.done"), responses.count("event: response.output_item.added")) == (done, begun)
    assert (messages.count("event: content_block_stop"), messages.count("event: content_block_start")) == (done, begun)
    assert "response.completed" not in responses
    assert "message_delta" not in messages


def test_a_kept_connection_serves_the_next_call_and_makes_a_cut_an_error(upstream: Upstream) -> None:
    script(upstream, keep_alive=True)
    with httpx.Client(base_url=upstream.url) as http:
        answers = [http.post("/v1/responses", json={"model": "m", "stream": stream}) for stream in (True, False, True)]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert upstream.connections == 1
        for stream in (True, False):
            script(upstream, keep_alive=True, cut_after=2)
            with pytest.raises(httpx.RemoteProtocolError):
                http.post("/v1/responses", json={"model": "m", "stream": stream})


def test_what_comes_in_place_of_the_rest(upstream: Upstream) -> None:
    script(upstream, cut_after=2, raw=b"data: {garbage\n\n")
    assert post(upstream).text.endswith("data: {garbage\n\n")
    script(upstream, raw=b"<html>busy</html>", content_type="text/html")
    answer = post(upstream)
    assert (answer.text, answer.headers["content-type"]) == ("<html>busy</html>", "text/html")


def test_a_redirect(upstream: Upstream) -> None:
    script(upstream, redirect_to="http://169.254.169.254/")
    answer = post(upstream)
    assert (answer.status_code, answer.headers["location"]) == (307, "http://169.254.169.254/")


@pytest.mark.parametrize("stream", [False, True])
def test_a_bomb_is_a_thousand_times_larger_than_it_looks(upstream: Upstream, stream: bool) -> None:
    script(upstream, gzip_bomb=True)
    with httpx.stream("POST", f"{upstream.url}/v1/responses", json={"model": "m", "stream": stream}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        packed = b"".join(answer.iter_raw())
    assert len(gzip.decompress(packed)) > 1000 * len(packed)


@pytest.mark.parametrize("behaviour", [{"endless": True}, {"endless": True, "cut_after": 2}])
def test_a_line_without_an_end_lasts_until_the_caller_leaves(upstream: Upstream, behaviour: dict[str, Any]) -> None:
    script(upstream, **behaviour)
    read = last = 0
    with httpx.stream("POST", f"{upstream.url}/v1/responses", json={"model": "m", "stream": True}) as answer:
        for piece in answer.iter_raw():
            read, last = read + len(piece), len(piece) - 1 - piece.rfind(b"\n")
            if read > 2 << 20:
                break
    assert last > 0
    deadline = time.monotonic() + 5
    while upstream.calls[0].closed_at is None:
        assert time.monotonic() < deadline, "the provider did not see the caller leave"
        time.sleep(0.01)
    assert upstream.calls[0].sent >= read


def test_a_stall_lasts_until_the_caller_leaves(upstream: Upstream) -> None:
    for stream in (True, False):
        script(upstream, stall_after=2)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{upstream.url}/v1/responses", json={"model": "m", "stream": stream}, timeout=0.3)


def test_scripts_may_tell_providers_apart_by_path(upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(status=500) if call.path.startswith("/deepseek") else Behaviour(text="from the other")
    assert post(upstream, "/deepseek/chat/completions").status_code == 500
    assert json.loads(post(upstream, PATHS[2], stream=False).text)["choices"][0]["message"]["content"] == "from the other"

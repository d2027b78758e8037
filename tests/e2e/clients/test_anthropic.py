"""anthropic's Python SDK on /v1/messages, with models of its own vendor and of another."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic

from tests.e2e.stack import API_KEY, Stack

MODELS = ("claude-sonnet-4-6", "gpt-4o")
QUESTION: Any = {"role": "user", "content": "The weather in Paris?"}
WEATHER: Any = {
    "name": "get_weather", "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def client(sandbox: Stack) -> Iterator[Anthropic]:
    with Anthropic(base_url=sandbox.url, api_key=API_KEY, max_retries=0) as made:
        yield made


@pytest.fixture
async def waiting(sandbox: Stack) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=sandbox.url, api_key=API_KEY, max_retries=0) as made:
        yield made


def text(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.parametrize("model", MODELS)
def test_a_message(client: Anthropic, model: str) -> None:
    message = client.messages.create(model=model, max_tokens=500, system="Be brief.", messages=[{"role": "user", "content": "hi"}])
    assert text(message).startswith("[sandbox] ")
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0


@pytest.mark.parametrize("model", MODELS)
def test_the_stream_helper(client: Anthropic, model: str) -> None:
    with client.messages.stream(model=model, max_tokens=500, messages=[{"role": "user", "content": "hi"}]) as stream:
        streamed = "".join(stream.text_stream)
        assert streamed == text(stream.get_final_message())
    assert streamed.startswith("[sandbox] ")


async def test_asynchronously(waiting: AsyncAnthropic) -> None:
    async with waiting.messages.stream(model="gpt-4o", max_tokens=500, messages=[{"role": "user", "content": "hi"}]) as stream:
        assert (await stream.get_final_message()).stop_reason == "end_turn"


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_is_called_and_its_result_told(client: Anthropic, model: str) -> None:
    with client.messages.stream(model=model, max_tokens=500, messages=[QUESTION], tools=[WEATHER]) as stream:
        first = stream.get_final_message()
    assert first.stop_reason == "tool_use"
    call = next(block for block in first.content if block.type == "tool_use")
    assert (call.name, list(call.input)) == ("get_weather", ["city"])
    told: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}]}
    second = client.messages.create(
        model=model, max_tokens=500, messages=[QUESTION, {"role": "assistant", "content": first.content}, told], tools=[WEATHER]
    )
    assert text(second).startswith("[sandbox] ")


def test_counting_tokens(client: Anthropic) -> None:
    assert client.messages.count_tokens(model="claude-sonnet-4-6", messages=[QUESTION], tools=[WEATHER]).input_tokens > 0


def test_errors(client: Anthropic) -> None:
    asked: Any = {"max_tokens": 500, "messages": [{"role": "user", "content": "hi"}]}
    with pytest.raises(anthropic.NotFoundError) as missing:
        client.messages.create(model="no-such-model", **asked)
    assert missing.value.request_id is not None
    with pytest.raises(anthropic.AuthenticationError):
        client.with_options(api_key="tr_wrong").messages.create(model="gpt-4o", **asked)
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model="gpt-4o", max_tokens=0, messages=asked["messages"])

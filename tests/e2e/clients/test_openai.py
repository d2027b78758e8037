"""openai's Python SDK, as its users call it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import FunctionToolParam, ResponseFunctionToolCall
from pydantic import BaseModel

from tests.e2e.stack import API_KEY, Stack, until

WEATHER: FunctionToolParam = {
    "type": "function", "name": "get_weather", "description": "The weather of a city.", "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
}
CHAT_WEATHER: Any = {"type": "function", "function": {key: value for key, value in WEATHER.items() if key != "type"}}
MODELS = ("gpt-4o", "claude-sonnet-4-5")


class Weather(BaseModel):
    city: str
    celsius: int


@pytest.fixture
def client(sandbox: Stack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{sandbox.url}/v1", api_key=API_KEY, max_retries=0) as made:
        yield made


@pytest.fixture
async def waiting(sandbox: Stack) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{sandbox.url}/v1", api_key=API_KEY, max_retries=0) as made:
        yield made


@pytest.mark.parametrize("model", MODELS)
def test_a_response(client: OpenAI, model: str) -> None:
    response = client.responses.create(model=model, input="hi")
    assert response.status == "completed"
    assert response.output_text.startswith("[sandbox] ")
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


@pytest.mark.parametrize("model", MODELS)
def test_the_stream_helper(client: OpenAI, model: str) -> None:
    with client.responses.stream(model=model, input="hi") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == final.output_text
    assert final.output_text.startswith("[sandbox] ")


@pytest.mark.parametrize("model", MODELS)
def test_parsing(client: OpenAI, model: str) -> None:
    parsed = client.responses.parse(model=model, input="The weather in Paris?", text_format=Weather)
    assert isinstance(parsed.output_parsed, Weather)
    with client.responses.stream(model=model, input="The weather in Paris?", text_format=Weather) as stream:
        assert isinstance(stream.get_final_response().output_parsed, Weather)


@pytest.mark.parametrize("model", MODELS)
def test_a_tool_is_called_and_its_result_told(client: OpenAI, model: str) -> None:
    question: Any = {"role": "user", "content": "The weather in Paris?"}
    first = client.responses.create(model=model, input=[question], tools=[WEATHER], store=False)
    call = next(item for item in first.output if isinstance(item, ResponseFunctionToolCall))
    assert call.name == "get_weather"
    told: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}
    second = client.responses.create(model=model, input=[question, *first.output, told], tools=[WEATHER], store=False)  # type: ignore[list-item]
    assert second.output_text.startswith("[sandbox] ")
    stored = client.responses.create(model=model, input=[question], tools=[WEATHER])
    told["call_id"] = next(item for item in stored.output if isinstance(item, ResponseFunctionToolCall)).call_id
    assert client.responses.create(model=model, input=[told], tools=[WEATHER], previous_response_id=stored.id).output_text


async def test_asynchronously(waiting: AsyncOpenAI) -> None:
    assert (await waiting.responses.create(model="gpt-4o", input="hi")).output_text
    async with waiting.responses.stream(model="claude-sonnet-4-5", input="hi") as stream:
        kinds = [event.type async for event in stream]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")


def test_a_connection(client: OpenAI) -> None:
    previous = None
    with client.responses.connect() as connection:
        for model in MODELS:
            connection.response.create(model=model, input="hi", previous_response_id=previous)
            final = next(event.response for event in connection if event.type == "response.completed")
            assert (final.output_text[:10], final.previous_response_id) == ("[sandbox] ", previous)
            previous = final.id


async def test_a_connection_asynchronously(waiting: AsyncOpenAI) -> None:
    async with waiting.responses.connect() as connection:
        await connection.response.create(model="gpt-4o", input="hi")
        async for event in connection:
            if event.type == "response.completed":
                assert event.response.output_text.startswith("[sandbox] ")
                break


def test_in_the_background(client: OpenAI) -> None:
    made = client.responses.create(model="gpt-4o", input="hi", background=True)
    assert made.status in ("queued", "in_progress")

    def ended() -> str:
        status = client.responses.retrieve(made.id).status
        return status if status is not None and status not in ("queued", "in_progress") else ""

    assert until(ended, 20.0, "the end") == "completed"
    assert client.responses.retrieve(made.id).output_text.startswith("[sandbox] ")


def test_a_response_in_the_background_is_cancelled(client: OpenAI) -> None:
    made = client.responses.create(model="gpt-4o", input="[sandbox:stall] hi", background=True)
    assert client.responses.cancel(made.id).status == "cancelled"
    assert client.responses.retrieve(made.id).status == "cancelled"


def test_a_stream_in_the_background_is_taken_up_again(client: OpenAI) -> None:
    seen = []
    with client.responses.create(model="gpt-4o", input="hi", background=True, stream=True) as stream:
        for event in stream:
            seen.append(event)
            if event.type == "response.output_text.delta":
                break
    assert seen[0].type == "response.created"
    rest = list(client.responses.retrieve(seen[0].response.id, stream=True, starting_after=seen[-1].sequence_number))
    assert rest[-1].type == "response.completed"
    assert [event.sequence_number for event in [*seen, *rest]] == list(range(len(seen) + len(rest)))


def test_a_conversation(client: OpenAI) -> None:
    conversation = client.conversations.create(items=[{"type": "message", "role": "user", "content": "I am Ada."}], metadata={"team": "blue"})
    response = client.responses.create(model="gpt-4o", input="Who am I?", conversation=conversation.id)
    assert response.conversation is not None
    assert response.conversation.id == conversation.id
    items = client.conversations.items
    assert [item.type for item in items.list(conversation.id, order="asc")] == ["message"] * 3
    added = items.create(conversation.id, items=[{"type": "message", "role": "user", "content": "Bye."}])
    assert items.retrieve(added.data[0].id, conversation_id=conversation.id).type == "message"
    items.delete(added.data[0].id, conversation_id=conversation.id)
    assert client.conversations.update(conversation.id, metadata={"team": "red"}).metadata == {"team": "red"}
    assert client.conversations.retrieve(conversation.id).id == conversation.id
    assert client.conversations.delete(conversation.id).deleted


def test_what_is_stored(client: OpenAI) -> None:
    first = client.responses.create(model="gpt-4o", input="hi")
    second = client.responses.create(model="claude-sonnet-4-5", input="and?", previous_response_id=first.id)
    assert [item.type for item in client.responses.input_items.list(second.id, order="asc", limit=2)] == ["message"] * 3
    assert client.responses.input_tokens.count(model="gpt-4o", input="hi").input_tokens > 0
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_embeddings(client: OpenAI) -> None:
    """The client asks for base64 when the caller does not say, and unpacks it."""
    packed = client.embeddings.create(model="text-embedding-3-small", input=["hi", "there"])
    plain = client.embeddings.create(model="text-embedding-3-small", input=["hi", "there"], encoding_format="float")
    assert [item.index for item in packed.data] == [0, 1]
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)


def test_models(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"auto", "auto:balanced"} <= set(names)
    assert client.models.retrieve("auto").object == "model"


@pytest.mark.parametrize("model", MODELS)
def test_chat_completions(client: OpenAI, model: str) -> None:
    completion = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
    assert str(completion.choices[0].message.content).startswith("[sandbox] ")
    assert completion.choices[0].finish_reason == "stop"
    chunks = list(client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "hi"}], stream=True, stream_options={"include_usage": True}
    ))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices).startswith("[sandbox] ")
    assert chunks[-1].usage is not None


def test_several_choices(client: OpenAI) -> None:
    completion = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}], n=2)
    assert [choice.index for choice in completion.choices] == [0, 1]
    with client.chat.completions.stream(model="gpt-4o", messages=[{"role": "user", "content": "hi"}], n=2) as stream:
        final = stream.get_final_completion()
    assert [str(choice.message.content)[:9] for choice in final.choices] == ["[sandbox]"] * 2


@pytest.mark.parametrize("model", MODELS)
def test_chat_tools(client: OpenAI, model: str) -> None:
    question: Any = {"role": "user", "content": "The weather in Paris?"}
    with client.chat.completions.stream(model=model, messages=[question], tools=[CHAT_WEATHER]) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.tool_calls is not None
    assert message.tool_calls[0].function.parsed_arguments is not None
    told: Any = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "18 degrees"}
    asked: Any = message.model_dump(exclude_none=True)
    second = client.chat.completions.create(model=model, messages=[question, asked, told], tools=[CHAT_WEATHER])
    assert str(second.choices[0].message.content).startswith("[sandbox] ")


@pytest.mark.parametrize("model", MODELS)
def test_chat_parsing(client: OpenAI, model: str) -> None:
    parsed = client.chat.completions.parse(model=model, messages=[{"role": "user", "content": "Paris?"}], response_format=Weather)
    assert isinstance(parsed.choices[0].message.parsed, Weather)


def test_errors(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.responses.create(model="no-such-model", input="hi")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="gpt-4o", messages=[])
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="tr_wrong").models.list()

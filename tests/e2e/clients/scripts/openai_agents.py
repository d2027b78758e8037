"""OpenAI's Agents SDK: a tool, an answer with a type, a session, on both APIs."""

import asyncio
from typing import Any

from agents import (
    Agent,
    Model,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    SQLiteSession,
    function_tool,
)
from openai import AsyncOpenAI
from pydantic import BaseModel

MODELS = ("gpt-4o", "claude-sonnet-4-5")


class Weather(BaseModel):
    city: str
    celsius: int


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    called.append(city)
    return f"{city}: 18 degrees"


called: list[str] = []


def responses() -> None:
    asyncio.run(all_of(OpenAIResponsesModel))


def chat_completions() -> None:
    asyncio.run(all_of(OpenAIChatCompletionsModel))


def chained() -> None:
    asyncio.run(with_a_previous_response())


async def all_of(api: Any) -> None:
    async with AsyncOpenAI(max_retries=0) as client:
        for name in MODELS:
            model = api(model=name, openai_client=client)
            await with_a_tool(model)
            await streamed(model)
            await typed(model)
            await in_a_session(model)


async def with_a_tool(model: Model) -> None:
    called.clear()
    result = await Runner.run(assistant(model), "The weather in Paris?")
    assert len(called) == 1, called
    assert result.final_output.startswith("[sandbox] "), result.final_output
    assert [item.type for item in result.new_items] == ["tool_call_item", "tool_call_output_item", "message_output_item"], result.new_items


async def streamed(model: Model) -> None:
    called.clear()
    result = Runner.run_streamed(assistant(model), "The weather in Paris?")
    text = ""
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            text += event.data.delta
    assert len(called) == 1, called
    assert text == result.final_output, (text, result.final_output)


async def typed(model: Model) -> None:
    agent = Agent(name="reporter", model=model, output_type=Weather)
    result = await Runner.run(agent, "Paris?")
    assert isinstance(result.final_output, Weather), result.final_output
    running = Runner.run_streamed(agent, "Paris?")
    async for _ in running.stream_events():
        pass
    assert isinstance(running.final_output, Weather), running.final_output


async def in_a_session(model: Model) -> None:
    session = SQLiteSession("tests")
    for question in ("The weather in Paris?", "And now?"):
        result = await Runner.run(assistant(model), question, session=session)
        assert result.final_output.startswith("[sandbox] "), result.final_output
    assert len(await session.get_items()) == 6


async def with_a_previous_response() -> None:
    async with AsyncOpenAI(max_retries=0) as client:
        previous = None
        for name in MODELS:
            agent = assistant(OpenAIResponsesModel(model=name, openai_client=client))
            result = await Runner.run(agent, "The weather in Paris?", previous_response_id=previous)
            assert result.final_output.startswith("[sandbox] "), result.final_output
            assert result.last_response_id != previous
            previous = result.last_response_id


def assistant(model: Model) -> Agent[None]:
    return Agent(name="assistant", instructions="Be brief.", model=model, tools=[get_weather])

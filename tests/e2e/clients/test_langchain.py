"""LangChain's ChatOpenAI, in both of the APIs it speaks."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from tests.e2e.stack import API_KEY, Stack


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    celsius: int


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"{city}: 18 degrees"


# LangChain shares one asynchronous connection pool among event loops; each test has a loop of its own.
@pytest.fixture(params=[(True, "gpt-4o"), (True, "claude-sonnet-4-5"), (False, "gpt-4o"), (False, "claude-sonnet-4-5")], ids=str)
async def model(sandbox: Stack, request: pytest.FixtureRequest) -> AsyncIterator[ChatOpenAI]:
    responses, name = request.param
    async with httpx.AsyncClient() as http:
        yield ChatOpenAI(
            model=name, base_url=f"{sandbox.url}/v1", api_key=API_KEY, use_responses_api=responses, max_retries=0, stream_usage=True,
            http_async_client=http,
        )


def test_invoking(model: ChatOpenAI) -> None:
    answer = model.invoke("hi")
    assert str(answer.text).startswith("[sandbox] ")
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] > 0


def test_streaming(model: ChatOpenAI) -> None:
    chunks = list(model.stream("hi"))
    assert "".join(str(chunk.text) for chunk in chunks).startswith("[sandbox] ")
    assert len(chunks) > 2


async def test_asynchronously(model: ChatOpenAI) -> None:
    assert [chunk async for chunk in model.astream("hi")]


def test_tools(model: ChatOpenAI) -> None:
    bound = model.bind_tools([get_weather])
    asked = HumanMessage("The weather in Paris?")
    answer = bound.invoke([asked])
    call = answer.tool_calls[0]
    assert call["name"] == "get_weather"
    assert str(bound.invoke([asked, answer, ToolMessage("18 degrees", tool_call_id=call["id"])]).text).startswith("[sandbox] ")


def test_streamed_tools(model: ChatOpenAI) -> None:
    whole: Any = None
    for chunk in model.bind_tools([get_weather]).stream("The weather in Paris?"):
        assert isinstance(chunk, AIMessageChunk)
        whole = chunk if whole is None else whole + chunk
    assert [list(call["args"]) for call in whole.tool_calls] == [["city"]]


# LangChain dumps the openai helper's event, whose parsed value pydantic does not expect.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(model: ChatOpenAI, method: Any) -> None:
    structured = model.with_structured_output(Weather, method=method)
    assert isinstance(structured.invoke("The weather in Paris?"), Weather)
    assert isinstance(list(structured.stream("The weather in Paris?"))[-1], Weather)


def test_embeddings(sandbox: Stack) -> None:
    made = OpenAIEmbeddings(model="text-embedding-3-small", base_url=f"{sandbox.url}/v1", api_key=API_KEY, check_embedding_ctx_length=False)
    assert len(made.embed_documents(["hi", "there"])) == 2
    assert made.embed_query("hi")


def test_embeddings_of_tokens(sandbox: Stack) -> None:
    """LangChain sends token numbers rather than text, unless told not to."""
    made = OpenAIEmbeddings(model="text-embedding-3-small", base_url=f"{sandbox.url}/v1", api_key=API_KEY)
    assert len(made.client.create(model="text-embedding-3-small", input=[[1, 2, 3]]).data) == 1

"""TokenRouter's published SDK 2.0.0."""

import asyncio
from typing import Any

import tokenrouter
from tokenrouter import AsyncTokenRouter, TokenRouter

QUESTION = [{"role": "user", "content": "The weather in Paris?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "The weather of a city.", "parameters": PARAMETERS}


def client(**options: Any) -> TokenRouter:
    """Base URL and key come from the environment."""
    return TokenRouter(max_retries=0, **options)


def responses() -> None:
    made = client().responses.create(model="auto", input="hi")
    assert made.status == "completed"
    assert made.output[0].content[0].text.startswith("[sandbox] ")
    called = client().responses.create(model="gpt-4o", input=QUESTION, tools=[{"type": "function", **WEATHER}])
    assert called.output[-1].name == "get_weather"


def streams() -> None:
    for model in ("auto:balanced", "gpt-4o", "claude-sonnet-4-5"):
        events = list(client().responses.create(model=model, input="hi", stream=True))
        assert events[-1].type == "response.completed"
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert text == events[-1].response.output[0].content[0].text


def chat() -> None:
    completion = client().chat.completions.create(model="auto", messages=QUESTION)
    assert completion.choices[0].message.content.startswith("[sandbox] ")
    called = client().chat.completions.create(model="auto", messages=QUESTION, tools=[{"type": "function", "function": WEATHER}])
    assert called.choices[0].message.tool_calls[0].function.name == "get_weather"
    chunks = list(client().chat.completions.create(model="auto", messages=QUESTION, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.get("content") or "" for chunk in chunks if chunk.choices).startswith("[sandbox] ")
    assert chunks[-1].usage.total_tokens > 0


def embeddings() -> None:
    made = client().embeddings.create(model="text-embedding-3-small", input=["hi", "there"])
    assert [item.index for item in made.data] == [0, 1]


def models() -> None:
    assert {"auto", "auto:balanced"} <= {model.id for model in client().models.list().data}


def asynchronously() -> None:
    async def asked() -> None:
        async with AsyncTokenRouter(max_retries=0) as waiting:
            assert (await waiting.responses.create(model="auto", input="hi")).status == "completed"
            stream = await waiting.responses.create(model="auto", input="hi", stream=True)
            assert [event.type async for event in stream][-1] == "response.completed"

    asyncio.run(asked())


def errors() -> None:
    missing = refused(client(), model="no-such-model", input="hi")
    assert type(missing) is tokenrouter.NotFoundError
    assert missing.code == "model_not_found"
    assert str(missing.request_id).startswith("req_")
    wrong = refused(client(api_key="tr_wrong"), model="auto", input="hi")
    assert type(wrong) is tokenrouter.AuthenticationError
    assert wrong.code == "invalid_api_key"
    # What fails is left alone for a while, so these models are ones that no other test names.
    limited = refused(client(), model="deepseek/deepseek-chat", input="[sandbox:429] hi")
    assert type(limited) is tokenrouter.RateLimitError
    assert limited.retry_after
    cut = list(client().responses.create(model="mistral/mistral-small-latest", input="[sandbox:cut] hi", stream=True))
    assert cut[-1].type == "response.failed"


def bare_host() -> None:
    """With the host alone as the base URL, as 1.2.1 wants it."""
    url = client().base_url.removesuffix("/v1")
    assert client(base_url=url).responses.create(model="auto", input="hi").status == "completed"
    assert client(base_url=url).models.list().data


def refused(asked: TokenRouter, **request: Any) -> tokenrouter.APIError:
    try:
        asked.responses.create(**request)
    except tokenrouter.APIError as error:
        return error
    raise AssertionError("it was answered")

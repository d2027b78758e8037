"""TokenRouter's published SDK 1.2.1."""

import asyncio
import json
from typing import Any

import tokenrouter
from tokenrouter import AsyncTokenrouter, Stream, Tokenrouter

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
WEATHER: Any = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city.", "parameters": PARAMETERS}}
ENABLED = {"is_enabled": True, "priority": 0}


def client(**options: Any) -> Tokenrouter:
    """Base URL and key come from the environment."""
    return Tokenrouter(max_retries=0, **options)


def responses() -> None:
    made = client().responses.create(input="hi", model="auto:balance", router_provider="anthropic", metadata={"team": "blue"})
    assert made.status == "completed"
    assert made.output_text.startswith("[sandbox] ")
    assert made.metadata.provider == "anthropic"
    assert made.metadata.routing_mode == "balance"
    assert made.request_id == made.metadata.request_id
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert client().responses.create(input="hi").output_text


def input_as_parts() -> None:
    made = client().responses.create(input=[{"type": "text", "text": "The weather in Paris?"}], model="gpt-4o")
    assert made.output_text.startswith("[sandbox] ")


def tools() -> None:
    chosen: Any = {"type": "function", "function": {"name": "get_weather"}}
    for choice in ("auto", "required", chosen):
        made = client().responses.create(input="The weather in Paris?", model="gpt-4o", tools=[WEATHER], tool_choice=choice)
        assert made.to_dict()["output"][-1]["name"] == "get_weather"


def output_with_a_schema() -> None:
    shape: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": PARAMETERS, "strict": True}}
    made = client().responses.create(input="Paris?", model="gpt-4o", text=shape)
    assert list(json.loads(made.output_text)) == ["city"]


def streams() -> None:
    """`create` returns the raw text, the low-level stream its events, `with_streaming_response` the lines."""
    raw: Any = client().responses.create(input="hi", model="gpt-4o", stream=True)
    assert isinstance(raw, str)
    assert "event: response.completed" in raw
    body = {"input": "hi", "model": "gpt-4o", "stream": True}
    events: Any = client().post("/v1/responses", cast_to=object, body=body, stream=True, stream_cls=Stream[object])
    assert [event["type"] for event in events][-1] == "response.completed"
    with client().responses.with_streaming_response.create(input="hi", model="gpt-4o", stream=True) as response:
        assert "event: response.created" in list(response.iter_lines())


def replay() -> None:
    made = client().responses.create(input="hi", model="gpt-4o")
    assert client().responses.replay(made.request_id).output_text == made.output_text


def rules() -> None:
    for kind, fields in (
        (client().firewall_rules, {"name": "keys", "pattern": "zzz", "type": "substring", "action": "block", "scope": "prompt", **ENABLED}),
        (client().routing_rules, {"name": "cheap", "match_json": {"task": "zzz"}, "action_json": {"set_mode": "cost"}, **ENABLED}),
    ):
        resource: Any = kind
        made = resource.create(**fields).data
        assert made.id in [rule.id for rule in resource.list().data]
        assert resource.update(made.id, name="other").data.name == "other"
        assert resource.retrieve(made.id).data.name == "other"
        assert resource.delete(made.id).success is True


def asynchronously() -> None:
    async def asked() -> None:
        async with AsyncTokenrouter(max_retries=0) as waiting:
            assert (await waiting.responses.create(input="hi", model="auto")).output_text

    asyncio.run(asked())


def errors() -> None:
    missing = refused(client(), model="no-such-model")
    assert type(missing) is tokenrouter.NotFoundError
    body: Any = missing.body
    assert (body["error"]["http_status"], body["error"]["code"]) == (404, "model_not_found")
    assert body["request_id"].startswith("req_")
    assert type(refused(client(api_key="tr_wrong"), model="auto")) is tokenrouter.AuthenticationError
    assert type(refused(client(), model="gpt-4o", temperature=7)) is tokenrouter.BadRequestError


def refused(asked: Tokenrouter, **request: Any) -> tokenrouter.APIStatusError:
    try:
        asked.responses.create(input="hi", **request)
    except tokenrouter.APIStatusError as error:
        return error
    raise AssertionError("it was answered")


def base_url_with_v1() -> None:
    """With `/v1` in the base URL, as 2.0.0 wants it."""
    made = client(base_url=f"{str(client().base_url).rstrip('/')}/v1")
    assert made.responses.create(input="hi", model="auto").output_text
    assert made.routing_rules.list().data is not None

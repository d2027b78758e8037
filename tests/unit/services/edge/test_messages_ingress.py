"""Messages bodies as Responses requests."""

import copy
import json
from base64 import urlsafe_b64encode
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic, BadRequestError, transform_schema
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from libs.contracts.errors import InvalidRequest
from libs.responses.canonical import canonical
from libs.responses.text import facts
from services.edge.formats.messages_thinking import reasoning_of, thinking_of
from services.edge.ingress.messages import count_request_of, request_of
from services.provider_worker.dialect import ProviderFailure
from tests.conformance.answers import DIALECTS, ENVELOPES, call
from tests.conformance.messages import build

Json = dict[str, Any]

USER: Json = {"role": "user", "content": "Hi"}
SCHEMA: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
TOOL: Json = {"name": "get_weather", "description": "d", "input_schema": SCHEMA}
PIXEL: Json = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "ZmFrZQ=="}}
STATE = ENVELOPES.seal("anthropic", "claude-sonnet-4-6", b'{"type":"thinking","thinking":"Hm.","signature":"fake"}')
REASONING: Json = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": STATE}


def made(**fields: Any) -> Json:
    """The request for a body with these fields; canonical() has nothing to change in it."""
    body = {"model": "auto:cost", "max_tokens": 64, "messages": [USER]} | fields
    before = copy.deepcopy(body)
    request = request_of(body)
    assert body == before
    assert canonical(request) is request
    return request


def items(*messages: Json) -> list[Json]:
    given: list[Json] = made(messages=list(messages))["input"]
    return given


def parts(*blocks: Json) -> Any:
    [item] = items({"role": "user", "content": list(blocks)})
    return item["content"]


def refused(**fields: Any) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        made(**fields)
    assert caught.value.info.message
    return caught.value.info.param


def sent(verb: str, **fields: Any) -> Json:
    """The body that the SDK sends for this method of its messages."""
    bodies: list[Json] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        return httpx2.Response(400, json={"type": "error", "error": {"type": "invalid_request_error", "message": "fake"}})

    transport = httpx2.Client(transport=httpx2.MockTransport(answer))
    client = Anthropic(api_key="tr_fake", base_url="http://edge.test", max_retries=0, http_client=transport)
    with pytest.raises(BadRequestError, match="fake"):
        getattr(client.messages, verb)(**{"model": "gpt-4o", "messages": [USER]} | fields)
    return bodies[0]


def test_a_plain_request() -> None:
    assert made() == {"model": "auto:cost", "max_output_tokens": 64, "store": False, "input": [{"type": "message", "role": "user", "content": "Hi"}]}


def test_settings_have_their_place() -> None:
    assert made(
        model="gpt-4o", stream=True, temperature=0.5, top_p=0.9, top_k=40, stop_sequences=["END"], service_tier="standard_only",
        metadata={"user_id": "u1", "team": "blue"}, router_mode="cost", router_model="m", router_provider="openai", system=None,
        context_management={"edits": []}, cache_control={"type": "ephemeral"}, inference_geo="eu", anything=1,
    ) == made(model="gpt-4o") | {
        "stream": True, "temperature": 0.5, "top_p": 0.9, "stop": ["END"], "service_tier": "default", "user": "u1",
        "metadata": {"team": "blue"}, "router_mode": "cost", "router_model": "m", "router_provider": "openai",
    }


def test_a_long_user_id_is_shortened_and_stays_the_same_one() -> None:
    ids = [made(metadata={"user_id": json.dumps({"device": "f" * 64, "session": session})})["user"] for session in ("a", "a", "b")]
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 64


def test_the_system_prompt() -> None:
    assert made(system="Be brief.")["instructions"] == "Be brief."
    blocks = [{"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": ""}, {"type": "text", "text": "B"}]
    assert made(system=blocks)["instructions"] == "A\n\nB"
    assert "instructions" not in made(system="")
    assert items(USER, {"role": "system", "content": [{"type": "text", "text": "Now in French."}]})[1] == {
        "type": "message", "role": "system", "content": [{"type": "input_text", "text": "Now in French."}],
    }


def test_what_users_say() -> None:
    assert parts({"type": "text", "text": "a", "cache_control": None}, {"type": "text", "text": ""}, PIXEL) == [
        {"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:image/png;base64,ZmFrZQ==", "detail": "auto"},
    ]
    assert parts({"type": "image", "source": {"type": "url", "url": "https://a.test/i.png"}})[0]["image_url"] == "https://a.test/i.png"
    assert parts({"type": "image", "source": {"type": "file", "file_id": "file_1"}})[0]["file_id"] == "file_1"


def test_documents() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "ZmFrZQ=="}
    assert parts({"type": "document", "source": pdf, "title": "Report", "context": "From 2020.", "citations": {"enabled": True}}) == [
        {"type": "input_text", "text": "From 2020."},
        {"type": "input_file", "filename": "Report.pdf", "file_data": "data:application/pdf;base64,ZmFrZQ=="},
    ]
    assert parts({"type": "document", "source": pdf})[0]["filename"] == "document.pdf"
    assert parts({"type": "document", "source": {"type": "url", "url": "https://a.test/r.pdf"}}) == [
        {"type": "input_file", "file_url": "https://a.test/r.pdf"},
    ]
    assert parts({"type": "document", "source": {"type": "file", "file_id": "file_1"}}) == [{"type": "input_file", "file_id": "file_1"}]
    plain = {"type": "text", "media_type": "text/plain", "data": "Once."}
    assert parts({"type": "document", "source": plain, "title": "T"}) == [{"type": "input_text", "text": "T\n\nOnce."}]
    cut = {"type": "content", "content": [{"type": "text", "text": "a"}, PIXEL]}
    assert [part["type"] for part in parts({"type": "document", "source": cut, "title": "T"})] == ["input_text", "input_text", "input_image"]
    assert parts({"type": "document", "source": {"type": "content", "content": "a"}}) == [{"type": "input_text", "text": "a"}]


def test_search_results() -> None:
    found = {"type": "search_result", "source": "https://a.test", "title": "T", "content": [{"type": "text", "text": "x"}]}
    assert parts(found) == [{"type": "input_text", "text": "T\n\nhttps://a.test\n\nx"}]


def test_a_tool_loop() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Wien", "n": 12345678901234567890}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}
    failed = {"type": "tool_result", "tool_use_id": "toolu_2", "content": None, "is_error": True}
    told = items(
        USER, {"role": "assistant", "content": [{"type": "text", "text": "I look.", "citations": None}, use, use | {"id": "toolu_2"}]},
        {"role": "user", "content": [result, failed, {"type": "text", "text": "So?"}]},
    )
    assert told[1:] == [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "toolu_1", "name": "get_weather", "arguments": '{"city":"Wien","n":12345678901234567890}'},
        {"type": "function_call", "call_id": "toolu_2", "name": "get_weather", "arguments": '{"city":"Wien","n":12345678901234567890}'},
        {"type": "function_call_output", "call_id": "toolu_1", "output": "sunny"},
        {"type": "function_call_output", "call_id": "toolu_2", "output": "", "is_error": True},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "So?"}]},
    ]


@pytest.mark.parametrize(("content", "output"), [
    ([], ""), ([{"type": "text", "text": "a"}], "a"), ([{"type": "text", "text": ""}], ""),
    ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]),
    ([PIXEL], [{"type": "input_image", "image_url": "data:image/png;base64,ZmFrZQ==", "detail": "auto"}]),
    ([{"type": "tool_reference", "tool_name": "t"}], "The tool t is available."),
])
def test_results_of_tools(content: Any, output: Any) -> None:
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": content}]}
    assert items(USER, use, result)[2]["output"] == output


def test_traces_of_server_tools_are_passed_over() -> None:
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    use = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
    compaction = {"type": "compaction", "content": "Earlier: hello."}
    assert items(USER, {"role": "assistant", "content": [use, found, compaction]}, USER)[1] == {
        "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Earlier: hello."}],
    }


@pytest.mark.parametrize("item", [
    REASONING,
    REASONING | {"summary": []},
    REASONING | {"summary": [{"type": "summary_text", "text": ""}], "status": "completed"},
    REASONING | {"summary": [{"type": "summary_text", "text": text} for text in ("One.", "", "Two\n\n", "ä")]},
    REASONING | {"summary": [], "content": [{"type": "reasoning_text", "text": "raw"}, {"type": "reasoning_text", "text": "more"}]},
    REASONING | {"content": [{"type": "reasoning_text", "text": "raw"}], "id": "rs_1.2"},
])
def test_reasoning_comes_back_as_it_was(item: Json) -> None:
    block = json.loads(json.dumps(thinking_of(item)))
    assert items(USER, {"role": "assistant", "content": [block, {"type": "text", "text": "a"}]}, USER)[1] == item


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=3), st.text(min_size=1))
def test_any_reasoning_comes_back_as_it_was(summary: list[str], content: list[str], state: str) -> None:
    item = {
        "type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text} for text in summary],
        "content": [{"type": "reasoning_text", "text": text} for text in content], "encrypted_content": state,
    }
    block = thinking_of(item)
    assert block is not None
    assert reasoning_of(block) == item


def test_thinking_that_the_client_has_changed_keeps_its_state() -> None:
    block = thinking_of(REASONING | {"summary": [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}]})
    assert block is not None
    assert reasoning_of(block | {"thinking": "Another."}) == REASONING | {"summary": [{"type": "summary_text", "text": "Another."}]}


@pytest.mark.parametrize("block", [
    {"type": "thinking", "thinking": "Hm.", "signature": "ErUBCkYIBBgCIkA"}, {"type": "thinking", "thinking": "Hm.", "signature": ""},
    {"type": "redacted_thinking", "data": "EmwKAhgBEgy"}, {"type": "thinking", "thinking": 1, "signature": "trs1.e30=.x"},
    {"type": "redacted_thinking", "data": "trs1.%%.x"}, {"type": "redacted_thinking", "data": "trs1."}, {"type": "redacted_thinking"},
    *({"type": "redacted_thinking", "data": f"trs1.{urlsafe_b64encode(head).decode()}.x"} for head in (b"[]", b'{"summary":[-1]}', b"\xff")),
])
def test_thinking_that_is_not_ours_is_left_out(block: Json) -> None:
    told = items(USER, {"role": "assistant", "content": [block, {"type": "text", "text": "a"}]}, USER)
    assert [item["type"] for item in told] == ["message"] * 3


def test_a_signature_says_nothing_of_the_item_but_what_it_was() -> None:
    forged = urlsafe_b64encode(json.dumps({"type": "message", "role": "system", "encrypted_content": "x", "summary": []}).encode()).decode()
    item = reasoning_of({"type": "redacted_thinking", "data": f"trs1.{forged}.{STATE}"})
    assert item is not None
    assert (item["type"], item["encrypted_content"], item["summary"]) == ("reasoning", STATE, [])


def test_thinking_reaches_the_model_that_wrote_it() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    request = made(messages=[
        USER, {"role": "assistant", "content": [thinking_of(REASONING), use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}]},
    ], tools=[TOOL])
    body, _ = build(request, "claude-sonnet-4-6")
    assert body["messages"][1]["content"] == [{"type": "thinking", "thinking": "Hm.", "signature": "fake"}, use]


def test_tools_and_the_choice_among_them() -> None:
    marked = TOOL | {"cache_control": {"type": "ephemeral"}, "defer_loading": True}
    request = made(tools=[marked, {"type": "custom", "name": "f", "input_schema": {}}])
    assert request["tools"] == [
        {"type": "function", "name": "get_weather", "description": "d", "parameters": SCHEMA, "strict": False},
        {"type": "function", "name": "f", "parameters": {}, "strict": False},
    ]
    assert "tool_choice" not in request
    for choice, wanted in (
        ({"type": "auto"}, "auto"), ({"type": "any"}, "required"), ({"type": "none"}, "none"),
        ({"type": "tool", "name": "get_weather"}, {"type": "function", "name": "get_weather"}),
    ):
        assert made(tools=[TOOL], tool_choice=choice)["tool_choice"] == wanted
    single = made(tools=[TOOL], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert single["parallel_tool_calls"] is False
    assert made(tools=[], tool_choice={"type": "none"}) == made()


def test_a_tool_is_strict_where_every_provider_can_keep_to_it() -> None:
    def strict(schema: Json) -> bool:
        return bool(made(tools=[TOOL | {"strict": True, "input_schema": schema}])["tools"][0]["strict"])

    assert strict(SCHEMA)
    assert not strict(SCHEMA | {"required": []})
    assert not strict(SCHEMA | {"additionalProperties": True})
    assert not strict(SCHEMA | {"properties": {"city": {"type": "object"}}})


def test_web_search_and_code_execution() -> None:
    place = {"type": "approximate", "city": "Wien", "region": None}
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a.test"], "user_location": place}
    request = made(
        tools=[search, {"type": "code_execution_20250825", "name": "code_execution"}, TOOL], tool_choice={"type": "tool", "name": "web_search"}
    )
    assert request["tools"][:2] == [
        {"type": "web_search", "filters": {"allowed_domains": ["a.test"]}, "user_location": {"type": "approximate", "city": "Wien"}},
        {"type": "code_interpreter", "container": {"type": "auto"}},
    ]
    assert request["tool_choice"] == {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}


@pytest.mark.parametrize(("kind", "name", "fields"), [
    ("bash_20250124", "bash", {"command", "restart"}), ("memory_20250818", "memory", {"old_path", "insert_text"}),
    ("text_editor_20250728", "str_replace_based_edit_tool", {"insert_text"}), ("text_editor_20250124", "str_replace_editor", {"new_str"}),
])
def test_tools_that_claude_knows_are_defined_for_others(kind: str, name: str, fields: set[str]) -> None:
    [tool] = made(tools=[{"type": kind, "name": name}, {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}])["tools"]
    assert (tool["type"], tool["name"], tool["strict"]) == ("function", name, False)
    assert fields <= tool["parameters"]["properties"].keys()
    assert ("insert_text" in tool["parameters"]["properties"]) == ("insert_text" in fields)


@pytest.mark.parametrize(("fields", "reasoning"), [
    ({}, None),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"effort": "low"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 8192}}, {"effort": "medium"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 31999, "display": "omitted"}}, {"effort": "high"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "max"}}, {"effort": "max"}),
    ({"thinking": {"type": "adaptive"}}, {"effort": "high"}),
    ({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}}, {"effort": "low", "summary": "auto"}),
    ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, {"effort": "none"}),
    ({"thinking": {"type": "between_tools"}}, {"effort": "none"}),
    ({"output_config": {"effort": "xhigh"}}, {"effort": "xhigh"}),
])
def test_thinking(fields: Json, reasoning: Any) -> None:
    assert made(**fields).get("reasoning") == reasoning


class Trip(BaseModel):
    city: str
    days: int


def test_output_formats_of_the_sdk() -> None:
    asked = request_of(sent("parse", max_tokens=64, output_format=Trip))["text"]["format"]
    assert (asked["type"], asked["strict"], asked["schema"]["required"]) == ("json_schema", True, ["city", "days"])
    assert count_request_of(sent("count_tokens", output_format=Trip))["text"]["format"] == asked
    older = made(output_format={"type": "json_schema", "schema": transform_schema(Trip) | {"required": ["city"]}})["text"]["format"]
    assert (older["name"], older["strict"]) == ("response", False)
    assert "text" not in made(output_config={"effort": "low", "format": None})


def test_a_count_asks_for_what_is_read_and_nothing_else() -> None:
    body = sent("count_tokens", system="Be brief.", tools=[TOOL], thinking={"type": "adaptive"}, tool_choice={"type": "any"})
    request = count_request_of(body)
    assert canonical(request) is request
    assert request.keys() == {"model", "input", "instructions", "tools", "tool_choice", "reasoning"}
    with pytest.raises(InvalidRequest):
        count_request_of({"model": "auto", "messages": []})


@pytest.mark.parametrize(("fields", "param"), [
    ({"max_tokens": None}, "max_tokens"), ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": 1.5}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"model": None}, "model"), ({"model": 1}, "model"), ({"messages": []}, "messages"), ({"messages": "Hi"}, "messages"),
    ({"messages": [1]}, "messages.0"), ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages.0.role"), ({"messages": [{"role": "user"}]}, "messages.0.content"),
    ({"messages": [USER, {"role": "user", "content": ["x"]}]}, "messages.1.content.0"),
    ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0.type"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text"),
    ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages.0.content.0.type"),
    ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.0.content.0.source"),
    ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]}, "messages.0.content.0.source.url"),
    ({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c"}]}]}, "messages.0.content.0.tool_use_id"),
    ({"messages": [USER, {"role": "assistant", "content": [PIXEL]}]}, "messages.1.content.0.type"),
    ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f"}]}]}, "messages.0.content.0.input"),
    ({"messages": [{"role": "user", "content": ""}]}, "messages"), ({"system": 1}, "system"), ({"system": [PIXEL]}, "system.0.type"),
    ({"stop_sequences": "END"}, "stop_sequences"), ({"stop_sequences": [1]}, "stop_sequences.0"), ({"temperature": "hot"}, "temperature"),
    ({"tools": [{"name": "f"}]}, "tools.0.input_schema"), ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
    ({"tools": [TOOL, TOOL]}, "tools.1.name"),
    ({"tools": [{"type": "computer_20250124", "name": "computer"}]}, "tools.0.type"), ({"tools": [{"type": "web_fetch_20250910"}]}, "tools.0.type"),
    ({"tools": [{"type": "web_search_20250305", "blocked_domains": ["a.test"]}]}, "tools.0.blocked_domains"),
    ({"tools": [TOOL], "tool_choice": {"type": "required"}}, "tool_choice.type"), ({"tool_choice": "auto"}, "tool_choice"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}}, "tool_choice.name"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"), ({"thinking": {"type": "hard"}}, "thinking.type"),
    ({"output_config": {"effort": 3}}, "output_config.effort"), ({"output_config": {"format": {"type": "text"}}}, "output_config.format.type"),
    ({"output_format": {"type": "json_schema"}}, "output_format.schema"), ({"metadata": {"user_id": 7}}, "metadata.user_id"),
    ({"thread": {"type": "continue", "previous_message_id": "msg_1"}}, "thread"), ({"compaction": {"type": "summarize"}}, "compaction"),
    ({"mcp_servers": [{"type": "url", "url": "https://a.test", "name": "a"}]}, "mcp_servers"),
])
def test_what_is_wrong_is_named(fields: Json, param: str) -> None:
    assert refused(**fields) == param


FULL: Json = {
    "model": "auto", "max_tokens": 2048, "stream": True, "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": [TOOL], "tool_choice": {"type": "auto"}, "metadata": {"user_id": "u1"},
    "stop_sequences": ["END"],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {"role": "assistant", "content": [
            thinking_of(REASONING), {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Wien"}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "sunny"}], "is_error": False},
            {"type": "text", "text": "And?"},
        ]},
    ],
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_provider_can_be_asked(dialect: str) -> None:
    assert DIALECTS[dialect].build(call(request_of(FULL), model="model-1")).content


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))] if path else [
        place for key, one in inner for place in _places(one, (key,))
    ]


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=4), st.sampled_from(["text", "tool", "user"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["type", "text", "name", "x"]), inner, max_size=3)),
    max_leaves=4,
)


@given(st.lists(st.tuples(st.sampled_from(_places(FULL)), _json), min_size=1, max_size=3))
def test_whatever_is_sent_is_understood_or_refused(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    body = copy.deepcopy(FULL)
    for (*path, last), value in changes:
        holder: Any = body
        for step in path:
            fits = isinstance(holder, dict) or (isinstance(holder, list) and isinstance(step, int) and step < len(holder))
            holder = holder[step] if fits and (not isinstance(holder, dict) or step in holder) else None
        if isinstance(holder, dict) or (isinstance(holder, list) and isinstance(last, int) and last < len(holder)):
            holder[last] = value
    try:
        request = canonical(request_of(body))
        assert facts(request)["input_chars"] > 0
        content = DIALECTS["anthropic"].build(call(json.loads(json.dumps(request)), model="claude-sonnet-4-6")).content
    except (InvalidRequest, ProviderFailure):
        return
    assert json.loads(content)["messages"]

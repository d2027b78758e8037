"""Embeddings and counts of tokens: what each dialect sends, and what it makes of the answers."""

import math
import struct
from base64 import b64decode, b64encode
from typing import Any

import msgspec
import pytest
from anthropic.types import MessageCountTokensParams
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse, EmbeddingCreateParams
from openai.types.responses import InputTokenCountParams, InputTokenCountResponse

from libs.contracts.decisions import Candidate, Price
from libs.responses.canonical import canonical
from services.edge.ingress.embeddings import request_of
from services.edge.ingress.input_tokens import request_of as request_to_count
from services.provider_worker import story
from services.provider_worker.dialect import Call, Counts, Embeds, Outcome, ProviderFailure, Upstream, Usage
from services.provider_worker.operations import Operation, operation
from tests.conformance.answers import DIALECTS, TOOLS, call, chat

Json = dict[str, Any]
SERVERS = {**DIALECTS, "vllm": chat("vllm"), "groq": chat("groq")}
EMBEDS = ["openai", "chat", "gemini", "mistral", "openrouter", "vllm"]
LISTS = ["openai", "chat", "mistral", "openrouter", "vllm"]
COUNTS = ["openai", "anthropic", "gemini"]
embedding = pytest.mark.parametrize("provider", EMBEDS)
listing = pytest.mark.parametrize("provider", LISTS)
VECTORS = [[1.0, 0.0], [0.6, -0.8]]


def asked_of(provider: str, endpoint: str = "embeddings") -> Operation:
    found = operation(endpoint, SERVERS[provider])
    assert found is not None
    return found


def embed_call(wanted: Any = ("first", "second"), **more: Any) -> Call:
    wanted = list(wanted) if isinstance(wanted, tuple) else wanted
    return call(request_of({"model": "auto", "input": wanted} | more), model="my-embedder", stream=False)


def sent(provider: str, made: Call, endpoint: str = "embeddings") -> tuple[Upstream, Json]:
    upstream = asked_of(provider, endpoint).build(made)
    assert isinstance(upstream, Upstream)
    return upstream, msgspec.json.decode(upstream.content)


def refused(provider: str, made: Call) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        asked_of(provider).build(made)
    assert (caught.value.code, caught.value.fallback, caught.value.billing) == ("invalid_request", True, "none")
    return caught.value


def packed(vector: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def answer(provider: str, vectors: list[Any], tokens: int | None = 7) -> bytes:
    """As the provider writes it."""
    if provider == "gemini":
        usage: Json = {"usageMetadata": {"promptTokenCount": tokens}} if tokens else {}
        return msgspec.json.encode({"embeddings": [{"values": one} for one in vectors]} | usage)
    data = [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(vectors)]
    usage = {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}} if tokens else {}
    return msgspec.json.encode({"object": "list", "model": "my-embedder-v2", "data": data} | usage)


def read(provider: str, body: bytes, made: Call | None = None) -> Outcome:
    return asked_of(provider).read(body, made or embed_call())


def shown(outcome: Outcome) -> Any:
    """The response as the client gets it."""
    return msgspec.json.decode(msgspec.json.encode(outcome.response))


def vectors_in(outcome: Outcome) -> list[Any]:
    return [one["embedding"] for one in shown(outcome)["data"]]


# What is sent


@pytest.mark.parametrize(("provider", "path"), [
    ("openai", "/embeddings"), ("chat", "/embeddings"), ("mistral", "/v1/embeddings"), ("gemini", "/v1beta/models/my-embedder:batchEmbedContents"),
])
def test_each_is_asked_at_its_own_place(provider: str, path: str) -> None:
    assert sent(provider, embed_call())[0].path == path


@listing
@pytest.mark.parametrize("wanted", ["one text", ["first", "second"], ["only"]])
def test_openais_form_passes_as_it_is(provider: str, wanted: Any) -> None:
    assert sent(provider, embed_call(wanted))[1] == {"model": "my-embedder", "input": wanted}


def test_openai_gets_only_what_its_sdk_could_send() -> None:
    made = embed_call(dimensions=256, encoding_format="base64", user="u-1", metadata={"team": "a"}, router_mode="cost", router_provider="openai")
    upstream, body = sent("openai", made)
    assert body.keys() == EmbeddingCreateParams.__annotations__.keys()
    assert (body["dimensions"], body["encoding_format"], body["user"]) == (256, "base64", "u-1")
    assert upstream.adapted == []


def test_mistral_names_the_size_otherwise_and_takes_no_user() -> None:
    upstream, body = sent("mistral", embed_call("a", dimensions=256, encoding_format="base64", user="u-1"))
    assert body == {"model": "my-embedder", "input": "a", "output_dimension": 256, "encoding_format": "base64"}
    assert upstream.adapted == ["dropped, not taken by Mistral: user"]


def test_gemini_gets_a_request_for_each_input() -> None:
    upstream, body = sent("gemini", embed_call(dimensions=256, encoding_format="base64", user="u-1"))
    assert body == {"requests": [
        {"model": "models/my-embedder", "content": {"parts": [{"text": text}]}, "outputDimensionality": 256} for text in ("first", "second")
    ]}
    assert upstream.adapted == ["dropped, unknown to Gemini: user"]
    assert sent("gemini", embed_call("one text"))[1] == {
        "requests": [{"model": "models/my-embedder", "content": {"parts": [{"text": "one text"}]}}],
    }


@pytest.mark.parametrize("wanted", [[1, 2, 3], [[1, 2], [3]]])
def test_token_ids_go_only_where_they_are_understood(wanted: Any) -> None:
    for provider in ("openai", "vllm", "openrouter"):
        assert sent(provider, embed_call(wanted))[1]["input"] == wanted
    for provider in ("gemini", "mistral"):
        failure = refused(provider, embed_call(wanted))
        assert failure.param == "input"
        assert "token ids; send texts" in failure.message


def test_gemini_takes_no_more_than_a_hundred_at_once() -> None:
    assert len(sent("gemini", embed_call(["a"] * 100))[1]["requests"]) == 100
    failure = refused("gemini", embed_call(["a"] * 101))
    assert (failure.param, "more than 100 inputs" in failure.message) == ("input", True)


@pytest.mark.parametrize("provider", ["anthropic", "deepseek", "groq"])
def test_who_makes_none_says_so_before_any_call(provider: str) -> None:
    assert refused(provider, embed_call()).param == "model"


# What comes back


@embedding
def test_the_answer_is_openais_list(provider: str) -> None:
    outcome = read(provider, answer(provider, VECTORS))
    told = CreateEmbeddingResponse.model_validate_json(msgspec.json.encode(outcome.response), strict=True)
    assert [one.embedding for one in told.data] == VECTORS
    assert [one.index for one in told.data] == [0, 1]
    assert (told.usage.prompt_tokens, told.usage.total_tokens) == (7, 7)
    assert told.model == ("my-embedder" if provider == "gemini" else "my-embedder-v2")
    assert (outcome.status, outcome.notes) == ("completed", [])
    assert outcome.usage == Usage(input_tokens=7)


@embedding
def test_base64_is_written_where_the_provider_wrote_numbers(provider: str) -> None:
    outcome = read(provider, answer(provider, VECTORS), embed_call(encoding_format="base64"))
    assert vectors_in(outcome) == [packed(vector) for vector in VECTORS]


@listing
@pytest.mark.parametrize("form", [None, "float"])
def test_numbers_are_written_where_the_provider_wrote_base64(provider: str, form: str | None) -> None:
    outcome = read(provider, answer(provider, [packed(vector) for vector in VECTORS]), embed_call(encoding_format=form))
    assert vectors_in(outcome) == [list(struct.unpack("<2f", struct.pack("<2f", *vector))) for vector in VECTORS]


@listing
def test_what_is_in_the_right_form_keeps_every_digit(provider: str) -> None:
    digits = b'{"data":[{"embedding":[0.10000000149011612, -1e-8 ,1]},{"embedding":[1,2,3]}]}'
    assert b"[0.10000000149011612, -1e-8 ,1]" in msgspec.json.encode(read(provider, digits).response)
    text = packed([0.1, 0.2])
    assert vectors_in(read(provider, answer(provider, [text, text]), embed_call(encoding_format="base64"))) == [text, text]


floats = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20)


@given(vector=floats)
def test_the_two_forms_say_the_same(vector: list[float]) -> None:
    as_text = vectors_in(read("openai", answer("openai", [vector]), embed_call("a", encoding_format="base64")))
    assert struct.unpack(f"<{len(vector)}f", b64decode(as_text[0])) == tuple(vector)
    assert vectors_in(read("openai", answer("openai", as_text), embed_call("a"))) == [vector]


@listing
def test_the_vectors_follow_the_inputs(provider: str) -> None:
    data: list[Json] = [{"index": 1, "embedding": VECTORS[1]}, {"index": 0, "embedding": VECTORS[0]}]
    assert vectors_in(read(provider, msgspec.json.encode({"data": data}))) == VECTORS
    # Without proper indexes they stand as they came.
    for odd in ({}, {"index": 0}, {"index": None}, {"index": "1"}):
        assert vectors_in(read(provider, msgspec.json.encode({"data": [{"embedding": one} | odd for one in VECTORS]}))) == VECTORS


def test_geminis_shortened_vectors_get_the_length_that_openais_have() -> None:
    outcome = read("gemini", answer("gemini", [[0.3, 0.4], [0.6, 0.8]]))
    assert vectors_in(outcome) == [[0.6, 0.8], [0.6, 0.8]]
    assert outcome.notes == ["the vectors were brought to the length 1: Gemini leaves shortened ones as they are"]
    assert vectors_in(read("gemini", answer("gemini", [[0.0, 0.0], [1.0, 0.0]]))) == [[0.0, 0.0], [1.0, 0.0]]


@given(vectors=st.lists(st.lists(st.floats(min_value=-1, max_value=1), min_size=3, max_size=3), min_size=2, max_size=2))
def test_and_keep_their_direction(vectors: list[list[float]]) -> None:
    for old, new in zip(vectors, vectors_in(read("gemini", answer("gemini", vectors))), strict=True):
        length = math.hypot(*old)
        if length > 1e-100:
            assert math.hypot(*new) == pytest.approx(1, abs=2e-3)
            assert new == pytest.approx([value / length for value in old], abs=2e-3)


@embedding
def test_a_usage_that_was_not_told_is_estimated_and_marked(provider: str) -> None:
    outcome = read(provider, answer(provider, VECTORS, tokens=None), embed_call(["x" * 400, "y"]))
    assert outcome.usage == Usage(input_tokens=101, source="estimated")
    assert shown(outcome)["usage"] == {"prompt_tokens": 101, "total_tokens": 101}
    assert "the usage was estimated" in outcome.notes[0]


def test_the_tokens_of_ids_are_known() -> None:
    assert read("vllm", answer("vllm", [[1.0]], tokens=None), embed_call([5, 6, 7])).usage.input_tokens == 3


def test_a_servers_total_counts_too() -> None:
    body = msgspec.json.encode({"data": [{"embedding": [1.0]}], "usage": {"total_tokens": 9}})
    assert read("vllm", body, embed_call("a")).usage == Usage(input_tokens=9)


GARBAGE = [
    b"", b"null", b"[]", b"{}", b"<html>oops</html>", b"\xff", b'{"data":[]}', b'{"embeddings":[]}', b'{"data":null}', b'{"data":[{}]}',
    b'{"data":[{"embedding":null},{"embedding":[1]}]}', b'{"data":[{"embedding":[]},{"embedding":[1]}]}',
    b'{"data":[{"embedding":{}},{"embedding":[1]}]}', b'{"data":[{"embedding":[1]}]}', b'{"embeddings":[{"values":[1]}]}',
    b'{"embeddings":[{"values":["a"]},{"values":[1]}]}', b'{"embeddings":[{"values":[]},{"values":[1]}]}', b'{"error":{"message":"No."}}',
    b'{"data":[{"embedding":"?"},{"embedding":"?"}]}', b'{"data":[{"embedding":"AAAA"},{"embedding":"AAAA"}]}',
    b'{"data":[{"embedding":"AADAfw=="},{"embedding":"AADAfw=="}]}', b'{"data":[{"embedding":""},{"embedding":""}]}',
]


@embedding
@pytest.mark.parametrize("body", GARBAGE)
def test_anything_else_is_a_failure_that_another_may_not_have(provider: str, body: bytes) -> None:
    with pytest.raises(ProviderFailure) as caught:
        read(provider, body)
    assert caught.value.fallback
    assert caught.value.code in ("upstream_error", "upstream_unavailable")


@listing
def test_numbers_that_do_not_fit_are_a_failure(provider: str) -> None:
    with pytest.raises(ProviderFailure):
        read(provider, answer(provider, [[1e300, 1.0], [1e308, 1e308]]), embed_call(encoding_format="base64"))


@embedding
@given(body=st.binary(max_size=60))
def test_no_bytes_break_a_reader(provider: str, body: bytes) -> None:
    with pytest.raises(ProviderFailure):
        read(provider, body)


def test_errors_in_the_body_are_understood() -> None:
    with pytest.raises(ProviderFailure) as caught:
        read("gemini", b'{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED"}}')
    assert caught.value.code == "rate_limit_exceeded"


def test_embeddings_cost_what_was_read() -> None:
    outcome = read("openai", answer("openai", VECTORS, tokens=1_000_000))
    spent = story.spent(priced(Price(version="v", input="0.02")), outcome.usage)
    assert (spent["input_tokens"], spent["output_tokens"], spent["usage_source"]) == (1_000_000, 0, "provider")
    assert float(spent["cost_usd"]) == 0.02


# Counting


QUESTION = {
    "model": "auto", "input": [{"role": "user", "content": "What is the weather?"}], "instructions": "Be brief", "tools": TOOLS,
    "reasoning": {"effort": "low"}, "text": {"format": {"type": "json_object"}}, "metadata": {"team": "a"}, "router_mode": "cost",
    "stream": True, "store": True, "temperature": 0.5, "max_output_tokens": 50, "include": ["reasoning.encrypted_content"],
}  # fmt: skip


def count_call(**more: Any) -> Call:
    return call(canonical(request_to_count(QUESTION | more)), model="claude-sonnet-4-5", stream=False)


def priced(price: Price | None) -> Candidate:
    return Candidate(provider="p", model="m", price=price)


@pytest.mark.parametrize(("provider", "path"), [
    ("openai", "/responses/input_tokens"), ("anthropic", "/v1/messages/count_tokens"), ("gemini", "/v1beta/models/claude-sonnet-4-5:countTokens"),
])
def test_each_counts_at_its_own_place(provider: str, path: str) -> None:
    assert sent(provider, count_call(), "input_tokens")[0].path == path


@pytest.mark.parametrize("provider", COUNTS)
def test_what_is_counted_is_what_would_be_sent(provider: str) -> None:
    made = count_call()
    answering = msgspec.json.decode(SERVERS[provider].build(made).content)
    upstream, counting = sent(provider, made, "input_tokens")
    if provider == "gemini":
        assert counting == {"generateContentRequest": {"model": "models/claude-sonnet-4-5"} | answering}
    else:
        known = {"openai": InputTokenCountParams, "anthropic": MessageCountTokensParams}[provider].__annotations__.keys()
        assert counting == {name: value for name, value in answering.items() if name in known}
        assert {"model", "tools"} < counting.keys()
    assert upstream.headers == SERVERS[provider].build(made).headers


def test_numbers_larger_than_any_float_are_counted_as_they_are() -> None:
    history = [
        {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": '{"n":1e999}'},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
    ]
    upstream = asked_of("anthropic", "input_tokens").build(count_call(input=history))
    assert isinstance(upstream, Upstream)
    assert b"1e999" in upstream.content


ANSWERS = {"openai": {"object": "response.input_tokens", "input_tokens": 42}, "anthropic": {"input_tokens": 42}, "gemini": {"totalTokens": 42}}


@pytest.mark.parametrize("provider", COUNTS)
def test_the_count_is_openais_object_and_costs_nothing(provider: str) -> None:
    outcome = asked_of(provider, "input_tokens").read(msgspec.json.encode(ANSWERS[provider]), count_call())
    assert outcome.response == {"object": "response.input_tokens", "input_tokens": 42}
    InputTokenCountResponse.model_validate(outcome.response, strict=True)
    for price in (Price(version="v", input="1", output="2"), None):
        spent = story.spent(priced(price), outcome.usage)
        assert (spent["input_tokens"], spent["output_tokens"], float(spent["cost_usd"])) == (0, 0, 0)


@pytest.mark.parametrize("provider", COUNTS)
@pytest.mark.parametrize("body", [
    b"", b"{}", b"null", b"\xff", b"<html>", b'{"input_tokens":"5","totalTokens":"5"}', b'{"input_tokens":-1,"totalTokens":-1}',
    b'{"input_tokens":1.5,"totalTokens":null}', b'{"error":{"message":"No."}}',
])
def test_an_answer_without_a_count_is_a_failure(provider: str, body: bytes) -> None:
    with pytest.raises(ProviderFailure, match="holds no count of tokens"):
        asked_of(provider, "input_tokens").read(body, count_call())


@pytest.mark.parametrize("provider", sorted(SERVERS.keys() - COUNTS))
def test_where_nobody_counts_an_estimate_is_made_without_a_call(provider: str) -> None:
    def estimated(**more: Any) -> Outcome:
        outcome = asked_of(provider, "input_tokens").build(count_call(**more))
        assert isinstance(outcome, Outcome)
        return outcome

    plain = estimated(input="x" * 4000, instructions=None, tools=None)
    assert plain.response == {"object": "response.input_tokens", "input_tokens": 1000}
    assert plain.usage == Usage(source="estimated")
    assert plain.notes == ["the tokens were estimated from the length of the request: the provider has no way to count them"]
    assert float(story.spent(priced(None), plain.usage)["cost_usd"]) == 0

    def tokens(**more: Any) -> int:
        return int(estimated(**more).response["input_tokens"])

    image = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 100_000}
    file = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64," + "A" * 100_000}
    assert tokens() > tokens(tools=None) > tokens(tools=None, instructions=None) > 0
    assert 1000 <= tokens(input=[{"role": "user", "content": [image]}]) - tokens(input=[{"role": "user", "content": []}]) < 1010
    assert tokens(input="東京の天気は" * 100) > tokens(input="abcdef" * 100)
    assert "without its files and recordings" in estimated(input=[{"role": "user", "content": [file]}]).notes[0]


def test_what_cannot_be_put_to_a_provider_cannot_be_counted_there() -> None:
    with pytest.raises(ProviderFailure, match="cannot express"):
        asked_of("anthropic", "input_tokens").build(count_call(text={"format": {"type": "grammar"}}))


# Which is which


@pytest.mark.parametrize("provider", SERVERS)
def test_the_protocols_tell_who_can_what(provider: str) -> None:
    assert isinstance(SERVERS[provider], Counts) is (provider in COUNTS)
    assert isinstance(SERVERS[provider], Embeds) is (provider != "anthropic")
    for endpoint in ("responses", "chat.completions", "messages", "compact"):
        assert operation(endpoint, SERVERS[provider]) is None


"""The sandbox's embeddings and counts of tokens, through the providers' own SDKs."""

import json
import math
import struct
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import msgspec
import openai
import pytest
from google import genai
from google.genai import errors, types
from mistralai.client import Mistral
from mistralai.client.errors import SDKError

from libs.responses.canonical import canonical
from services.edge.ingress.embeddings import request_of
from services.edge.ingress.input_tokens import request_of as counted_of
from services.provider_worker.dialect import Outcome, Upstream
from services.provider_worker.operations import operation
from tests.conformance.answers import DIALECTS, call

TEXTS = ["a cat sat on the mat", "the cat sat on a rug", "quarterly revenue grew"]
WEATHER: Any = {
    "type": "function", "name": "get_weather", "description": "Look up the forecast.", "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}  # fmt: skip


@pytest.fixture
def gpt(sandbox_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{sandbox_url}/openai/v1", api_key="sk-fake", max_retries=0, _strict_response_validation=True) as client:
        yield client


@pytest.fixture
def claude(sandbox_url: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        base_url=f"{sandbox_url}/anthropic", api_key="sk-ant-fake", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def mistral(sandbox_url: str) -> Iterator[Mistral]:
    with Mistral(api_key="fake", server_url=f"{sandbox_url}/mistral") as client:
        yield client


@pytest.fixture
def gemini(sandbox_url: str) -> Iterator[genai.Client]:
    with genai.Client(api_key="fake", http_options=types.HttpOptions(base_url=f"{sandbox_url}/gemini", api_version="v1beta")) as client:
        yield client


def length(vector: list[float]) -> float:
    return math.hypot(*vector)


def alike(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def vectors_of_gemini(client: genai.Client, texts: list[str], model: str = "gemini-embedding-001", **settings: Any) -> list[list[float]]:
    config = types.EmbedContentConfig(**settings)
    contents = [types.Content(parts=[types.Part(text=text)]) for text in texts]
    answer = client.models.embed_content(model=model, contents=contents, config=config)
    return [one.values or [] for one in answer.embeddings or []]


# OpenAI


def test_openai_embeds(gpt: openai.OpenAI, sandbox_url: str) -> None:
    first = gpt.embeddings.create(model="text-embedding-3-small", input=TEXTS, encoding_format="float")
    # The SDK asks for Base64 unless told otherwise, and its strict mode then refuses what it asked for.
    with openai.OpenAI(base_url=f"{sandbox_url}/openai/v1", api_key="sk-fake") as usual:
        assert usual.embeddings.create(model="text-embedding-3-small", input=TEXTS).data == first.data
    assert (first.model, first.object) == ("text-embedding-3-small-sandbox", "list")
    assert [one.index for one in first.data] == [0, 1, 2]
    vectors = [one.embedding for one in first.data]
    assert {len(vector) for vector in vectors} == {1536}
    assert all(length(vector) == pytest.approx(1, abs=1e-6) for vector in vectors)
    assert alike(vectors[0], vectors[1]) > alike(vectors[0], vectors[2])
    assert first.usage.prompt_tokens == first.usage.total_tokens > 10


def test_openai_base64_is_of_little_endian_floats(gpt: openai.OpenAI) -> None:
    asked: Any = {"model": "text-embedding-3-large", "input": "a cat", "dimensions": 4}
    written: Any = gpt.embeddings.with_raw_response.create(**asked, encoding_format="base64").http_response.json()
    plain = gpt.embeddings.create(**asked, encoding_format="float").data[0].embedding
    assert list(struct.unpack("<4f", b64decode(written["data"][0]["embedding"]))) == plain


def test_openai_takes_token_ids(gpt: openai.OpenAI) -> None:
    one = gpt.embeddings.create(model="text-embedding-ada-002", input=[5, 6, 7], encoding_format="float")
    several = gpt.embeddings.create(model="text-embedding-ada-002", input=[[5, 6, 7], [8]], encoding_format="float")
    assert one.data[0].embedding == several.data[0].embedding
    assert (len(one.data), one.usage.prompt_tokens, len(several.data), several.usage.prompt_tokens) == (1, 3, 2, 4)


def test_models_have_vectors_of_their_own(gpt: openai.OpenAI) -> None:
    models = ("text-embedding-3-small", "text-embedding-ada-002")
    small, ada = (gpt.embeddings.create(model=model, input="a cat", encoding_format="float").data[0].embedding for model in models)
    assert alike(small, ada) < 0.9


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"input": ""}, 400, "'$.input' is invalid"), ({"input": []}, 400, "'$.input' is invalid"), ({"input": ["a", ""]}, 400, "'$.input' is"),
        ({"input": ["a", 5]}, 400, "'$.input' is invalid"), ({"input": ["a"] * 2049}, 400, "'$.input' is invalid"),
        ({"input": [[1], []]}, 400, "'$.input' is invalid"), ({"input": 5}, 400, "'$.input' is invalid"),
        ({"input": "a " * 20_000}, 400, "maximum context length is 8192 tokens"),
        ({"input": ["a " * 15_000] * 41}, 400, "max 300000 tokens per request"),
        ({"model": "gpt-4o"}, 403, "not allowed to generate embeddings"), ({"model": "no-such"}, 404, "does not exist"),
        ({"dimensions": 1537}, 400, "Must be less than or equal to 1536"), ({"dimensions": 0}, 400, "minimum of 1"),
        ({"model": "text-embedding-ada-002", "dimensions": 5}, 400, "does not support specifying dimensions"),
        ({"encoding_format": "int8"}, 400, "Supported values are: 'float' and 'base64'"),
        ({"extra_body": {"metadata": {}}}, 400, "Unrecognized request argument supplied: metadata"),
        ({"input": "Hi [sandbox:429]"}, 429, "asked for status 429"),
    ],
)
def test_openai_refuses(gpt: openai.OpenAI, asked: dict[str, Any], status: int, said: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        gpt.embeddings.create(**({"model": "text-embedding-3-small", "input": "a cat"} | asked))
    assert caught.value.status_code == status
    assert said in caught.value.message


def test_openai_counts_what_it_would_bill(gpt: openai.OpenAI) -> None:
    question = {"role": "user", "content": "What is the weather?"}
    asked: Any = {"model": "gpt-4.1-mini", "input": [question], "instructions": "Be brief", "tools": [WEATHER]}
    counted = gpt.responses.input_tokens.count(**asked)
    answered = gpt.responses.create(**asked)
    assert answered.usage
    assert (counted.object, counted.input_tokens) == ("response.input_tokens", answered.usage.input_tokens)


@pytest.mark.parametrize("name", ["stream", "temperature", "max_output_tokens", "store", "metadata"])
def test_openai_counts_without_what_an_answer_needs(gpt: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.BadRequestError, match=f"Unknown parameter: '{name}'"):
        gpt.responses.input_tokens.count(model="gpt-4o", input="Hi", extra_body={name: 1})


# Mistral


def test_mistral_embeds(mistral: Mistral) -> None:
    answer = mistral.embeddings.create(model="mistral-embed", inputs=TEXTS)
    assert answer.model == "mistral-embed-sandbox"
    assert [one.index for one in answer.data] == [0, 1, 2]
    assert {len(one.embedding or ()) for one in answer.data} == {1024}
    assert (answer.usage.completion_tokens, answer.usage.prompt_tokens) == (0, answer.usage.total_tokens)
    short = mistral.embeddings.create(model="codestral-embed", inputs="def f(): ...", output_dimension=256)
    assert len(short.data[0].embedding or ()) == 256


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"inputs": ["a"] * 513}, "Too many inputs in request"), ({"inputs": [""]}, "cannot be empty"),
        ({"model": "no-such"}, "Invalid model: no-such"),
        ({"output_dimension": 5}, "This model does not support output_dimension."), ({"inputs": "a " * 40_000}, "Too many tokens in batch"),
        ({"model": "codestral-embed", "output_dimension": 5000}, "between 1 and 3072"),
    ],
)
def test_mistral_refuses(mistral: Mistral, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(SDKError) as caught:
        mistral.embeddings.create(**({"model": "mistral-embed", "inputs": "a cat"} | asked))
    assert caught.value.status_code == 400
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("more", "kind"),
    [({"dimensions": 5}, "extra_forbidden"), ({"user": "u"}, "extra_forbidden"), ({"input": [[1, 2]]}, "string_type"), ({"model": None}, "missing"),
     ({"encoding_format": "int8"}, "enum")],
)
def test_mistral_validates(sandbox_url: str, more: dict[str, Any], kind: str) -> None:
    answer = httpx.post(f"{sandbox_url}/mistral/v1/embeddings", json={"model": "mistral-embed", "input": "a cat"} | more)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["type"] == kind


# Gemini


def test_gemini_embeds(gemini: genai.Client) -> None:
    vectors = vectors_of_gemini(gemini, TEXTS)
    assert {len(vector) for vector in vectors} == {3072}
    assert all(length(vector) == pytest.approx(1, abs=1e-6) for vector in vectors)
    assert alike(vectors[0], vectors[1]) > alike(vectors[0], vectors[2])


def test_gemini_leaves_shortened_vectors_as_they_are(gemini: genai.Client) -> None:
    [old] = vectors_of_gemini(gemini, ["a cat"], output_dimensionality=768)
    [new] = vectors_of_gemini(gemini, ["a cat"], "gemini-embedding-2", output_dimensionality=768)
    assert (len(old), len(new)) == (768, 768)
    assert length(old) == pytest.approx(0.5, abs=1e-6)
    assert length(new) == pytest.approx(1, abs=1e-6)


def embed_request(text: str = "a cat", **more: Any) -> dict[str, Any]:
    return {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}} | more


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        ([], "requests is not specified"), ([embed_request()] * 101, "at most 100 requests can be in one batch"),
        ([embed_request(), embed_request(model="")], "requests[1].model: model is not specified"),
        ([embed_request(model="models/gemini-embedding-2")], "must be the same"), ([embed_request("")], "empty Part"),
        ([embed_request(outputDimensionality=4000)], "range [1, 3072]"), ([embed_request(dimensions=5)], 'Unknown name "dimensions" at'),
        ([embed_request(taskType="GUESS")], "(type.googleapis.com/google.ai.generativelanguage.v1beta.TaskType), \"GUESS\""),
        ([{"model": "models/gemini-embedding-001", "content": [1, 2]}], "Proto field is not repeating"),
    ],
)
def test_gemini_refuses(sandbox_url: str, requests: Any, said: str) -> None:
    url = f"{sandbox_url}/gemini/v1beta/models/gemini-embedding-001:batchEmbedContents"
    answer = httpx.post(url, json={"requests": requests})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_gemini_tells_how_much_it_read(sandbox_url: str) -> None:
    url = f"{sandbox_url}/gemini/v1beta/models/gemini-embedding-001:batchEmbedContents"
    told = httpx.post(url, json={"requests": [embed_request("12345678"), embed_request("1")]}).json()["usageMetadata"]
    assert told == {"promptTokenCount": 3, "promptTokenDetails": [{"modality": "TEXT", "tokenCount": 3}]}


def test_gemini_knows_which_of_its_models_embed(gemini: genai.Client) -> None:
    with pytest.raises(errors.ClientError, match="not supported for embedContent"):
        vectors_of_gemini(gemini, ["a"], "gemini-2.5-flash")
    with pytest.raises(errors.ClientError, match="not supported for generateContent"):
        gemini.models.generate_content(model="gemini-embedding-001", contents="Hi")


def test_gemini_counts_what_it_would_bill(gemini: genai.Client, sandbox_url: str) -> None:
    counted = gemini.models.count_tokens(model="gemini-2.5-flash", contents="What is the weather?")
    answered = gemini.models.generate_content(model="gemini-2.5-flash", contents="What is the weather?")
    assert answered.usage_metadata
    assert counted.total_tokens == answered.usage_metadata.prompt_token_count
    contents = [{"role": "user", "parts": [{"text": "What is the weather?"}]}]
    whole = {"model": "models/gemini-2.5-flash", "contents": contents, "systemInstruction": {"parts": [{"text": "Be brief. " * 20}]}}
    with_instructions = httpx.post(f"{sandbox_url}/gemini/v1beta/models/gemini-2.5-flash:countTokens", json={"generateContentRequest": whole}).json()
    assert with_instructions["totalTokens"] > (counted.total_tokens or 0) + 40


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "requires generate_content_request or contents"), ({"generateContentRequest": {}}, "contents is not specified"),
        ({"generateContentRequest": {"contents": [{"parts": [{"text": "Hi"}]}]}}, "model is not specified"),
        ({"contents": [{"parts": [{"text": "Hi"}]}], "generateContentRequest": {"model": "models/m"}}, "not both"),
        ({"contents": [{"parts": [{"text": "Hi"}]}], "systemInstruction": {}}, 'Unknown name "systemInstruction"'),
    ],
)
def test_gemini_refuses_to_count(sandbox_url: str, body: dict[str, Any], said: str) -> None:
    answer = httpx.post(f"{sandbox_url}/gemini/v1beta/models/gemini-2.5-flash:countTokens", json=body)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (400, True)


# Anthropic


def test_anthropic_counts_what_it_would_bill(claude: anthropic.Anthropic) -> None:
    asked: Any = {
        "model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "What is the weather?"}], "system": "Be brief",
        "tools": [{"name": "get_weather", "input_schema": WEATHER["parameters"]}],
    }  # fmt: skip
    assert claude.messages.count_tokens(**asked).input_tokens == claude.messages.create(**asked, max_tokens=50).usage.input_tokens


@pytest.mark.parametrize("name", ["max_tokens", "stream", "temperature", "metadata"])
def test_anthropic_counts_without_what_an_answer_needs(claude: anthropic.Anthropic, name: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=f"{name}: Extra inputs are not permitted"):
        claude.messages.count_tokens(model="claude-haiku-4-5", messages=[{"role": "user", "content": "Hi"}], extra_body={name: 1})


def test_deepseek_has_neither(sandbox_url: str) -> None:
    assert httpx.post(f"{sandbox_url}/deepseek/embeddings", json={"model": "deepseek-chat", "input": "Hi"}).status_code == 404


# What the router's dialects send is what the providers take


ROOTS = {"openai": "/openai/v1", "mistral": "/mistral", "gemini": "/gemini", "anthropic": "/anthropic"}
ASKED = {
    "openai": ("text-embedding-3-small", 1536), "mistral": ("codestral-embed", 1536), "gemini": ("gemini-embedding-001", 3072),
}  # fmt: skip


def exchanged(url: str, provider: str, endpoint: str, request: dict[str, Any], model: str) -> Outcome:
    made = call(request, model=model, stream=False)
    special = operation(endpoint, DIALECTS[provider])
    assert special
    upstream = special.build(made)
    assert isinstance(upstream, Upstream)
    answer = httpx.post(f"{url}{ROOTS[provider]}{upstream.path}", content=upstream.content, headers=upstream.headers)
    assert answer.status_code == 200, answer.text
    return special.read(answer.content, made)


@pytest.mark.parametrize("provider", ASKED)
@pytest.mark.parametrize("dimensions", [None, 64])
def test_a_dialects_embeddings_are_the_same_in_both_forms(sandbox_url: str, provider: str, dimensions: int | None) -> None:
    model, size = ASKED[provider]
    asked = request_of({"model": model, "input": TEXTS, "dimensions": dimensions, "user": "u-1"})
    plain, coded = (
        json.loads(msgspec.json.encode(exchanged(sandbox_url, provider, "embeddings", asked | form, model).response))
        for form in ({}, {"encoding_format": "base64"})
    )
    vectors = [one["embedding"] for one in plain["data"]]
    assert {len(vector) for vector in vectors} == {dimensions or size}
    assert all(length(vector) == pytest.approx(1, abs=1e-6) for vector in vectors)
    assert alike(vectors[0], vectors[1]) > alike(vectors[0], vectors[2])
    for vector, text in zip(vectors, [one["embedding"] for one in coded["data"]], strict=True):
        assert list(struct.unpack(f"<{len(vector)}f", b64decode(text))) == pytest.approx(vector, abs=1e-7)
    assert plain["usage"] == coded["usage"]
    assert plain["usage"]["prompt_tokens"] > 10


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-4o"), ("anthropic", "claude-haiku-4-5"), ("gemini", "gemini-2.5-flash")])
def test_a_dialects_count_is_taken(sandbox_url: str, provider: str, model: str) -> None:
    body = {
        "model": model, "input": [{"role": "user", "content": "What is the weather?"}], "instructions": "Be brief", "tools": [WEATHER],
        "stream": True, "temperature": 0.5, "max_output_tokens": 50, "metadata": {"team": "a"}, "store": False,
    }  # fmt: skip
    outcome = exchanged(sandbox_url, provider, "input_tokens", canonical(counted_of(body)), model)
    assert outcome.response["input_tokens"] > 20

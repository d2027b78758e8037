"""What is taken as a request for embeddings, and what is said of the rest."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.decisions import Target
from libs.contracts.errors import InvalidRequest
from libs.contracts.requests import RequestFacts
from services.edge.ingress.embeddings import LARGEST, MOST_INPUTS, facts_of, request_of

BODY = {"model": "text-embedding-3-small", "input": "a text"}


@pytest.mark.parametrize(("wanted", "chars"), [
    ("a text", 6), (["a", "bcd"], 4), ([1, 2, 3], 12), ([[1, 2], [3]], 12), ([0], 4), ([" "], 1), (["a"] * MOST_INPUTS, MOST_INPUTS),
    # More ids than a request may have inputs: they are one.
    ([7] * 5000, 20_000),
])
def test_every_form_of_input_is_taken_as_it_is(wanted: Any, chars: int) -> None:
    request = request_of(BODY | {"input": wanted})
    assert request == BODY | {"input": wanted}
    facts = RequestFacts(model=request["model"], target=Target(), **facts_of(request))
    assert (facts.input_chars, facts.embeddings, facts.tools) == (chars, True, 0)


def test_only_what_is_known_goes_on_and_a_null_is_nothing() -> None:
    more = {
        "dimensions": 256, "encoding_format": "base64", "user": "u-1", "metadata": {"team": "a"}, "router_mode": "cost",
        "router_model": "mistral-embed", "router_provider": "mistral",
    }
    assert request_of(BODY | more | {"tools": "x", "text": 5, "stream": True, "input_type": "query"}) == BODY | more
    assert request_of(BODY | dict.fromkeys(more)) == BODY


@pytest.mark.parametrize(("wrong", "param", "said"), [
    ({"input": None}, "input", "input is missing"), ({"input": ""}, "input", "must not be empty"), ({"input": []}, "input", "must not be empty"),
    ({"input": ["a", ""]}, "input[1]", "must not be empty"), ({"input": [[1], []]}, "input[1]", "must not be empty"),
    ({"input": 5}, "input", "a string, an array of strings, or token ids"), ({"input": {"text": "a"}}, "input", "a string, an array"),
    ({"input": ["a", 1]}, "input", "only strings"), ({"input": [1, [2]]}, "input", "only strings"), ({"input": [None]}, "input", "only strings"),
    ({"input": [True]}, "input", "only strings"), ({"input": [{"text": "a"}]}, "input", "only strings"), ({"input": [1.5]}, "input", "only strings"),
    ({"input": [[1, "a"]]}, "input[0]", "token ids"), ({"input": [[True]]}, "input[0]", "token ids"), ({"input": [-1]}, "input", "token ids"),
    ({"input": [[1], [2, LARGEST + 1]]}, "input[1]", "token ids"),
    ({"input": ["a"] * (MOST_INPUTS + 1)}, "input", "at most 2048"), ({"input": [[1]] * (MOST_INPUTS + 1)}, "input", "at most 2048"),
    ({"dimensions": 0}, "dimensions", "from 1"), ({"dimensions": "256"}, "dimensions", "from 1"), ({"dimensions": True}, "dimensions", "from 1"),
    ({"dimensions": 1.5}, "dimensions", "from 1"), ({"dimensions": 10**30}, "dimensions", "from 1"),
    ({"encoding_format": "int8"}, "encoding_format", "float or base64"), ({"encoding_format": ["float"]}, "encoding_format", "float or base64"),
    ({"model": None}, "model", "name an embedding model"), ({"model": 5}, "model", "a string"), ({"user": 5}, "user", "a string"),
    ({"metadata": {"a": 1}}, "metadata.a", "strings"), ({"router_mode": 1}, "router_mode", "a string"),
])
def test_what_is_wrong_is_named(wrong: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        request_of(BODY | wrong)
    assert caught.value.info.param == param
    assert caught.value.info.status == 400


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=8,
)
names = st.sampled_from(["model", "input", "dimensions", "encoding_format", "user", "metadata", "router_mode", "stream", "tools"])


@given(body=st.dictionaries(names, anything))
def test_no_body_breaks_it_and_what_passes_can_travel(body: dict[str, Any]) -> None:
    try:
        request = request_of(body)
    except InvalidRequest:
        return
    facts = RequestFacts(model=request["model"], target=Target(), metadata=request.get("metadata", {}), **facts_of(request))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=RequestFacts) == facts
    assert msgspec.json.decode(msgspec.json.encode(request)) == request

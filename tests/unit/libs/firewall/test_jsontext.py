"""Text that is JSON: what rules see of it, and what of it may be replaced."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.firewall.jsontext import Lexer, Unescaped
from libs.firewall.mask import masked_json
from tests.unit.libs.firewall.rules import active, regex, rule

NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(), st.sampled_from(["secret", "4111", 4111])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.text(max_size=5), st.just("password")), inner, max_size=4)),
    max_leaves=10,
)
BROKEN = st.text(st.sampled_from('{}[],:"\\u0041d83e \n secr4t1é'), max_size=60)
RULES = active(
    rule(1, "secret"), regex(2, r'password"?\s*:\s*"?(\S+)'), regex(3, r"\d{2,}", replacement='<"\\>'), regex(4, "[:,{}]+"),
    regex(5, "null|true", replacement=""),
)  # fmt: skip


def screened(text: str, *rules: Any) -> str:
    found = active(*rules)
    return masked_json(text, found.scan_json(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password":"hunter2"}', '{"password":"[redacted]"}'),
        ('{"a": {"password" : "hunter2 x"} }', '{"a": {"password" : "[redacted] x"} }'),
        ('{"password":["hunter2"]}', '{"password":["[redacted]"]}'),
        ('{"body":"{\\"password\\":\\"hunter2\\"}"}', '{"body":"{\\"[redacted]"}'),
        ('{"password":', '{"password":'),
        ('{"password":"hun', '{"password":"[redacted]'),
        ('{password: hunter2}', '{password: "[redacted]"}'),
    ],
)  # fmt: skip
def test_keys_are_context_of_their_values(text: str, expected: str) -> None:
    assert screened(text, regex(1, r'password"?\s*:\s*\[?"?(\S+)')) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'{"a":"my \u0073ecret \"x\""}', r'{"a":"my [redacted] \"x\""}'),
        (r'{"a":"\ud835\udc2cecret"}', '{"a":"[redacted]"}'),
        (r'{"a":"se\u200bcret"}', '{"a":"[redacted]"}'),
        ('{"secret":1,"b":"secret"}', '{"[redacted]":1,"b":"[redacted]"}'),
        ('["secret', '["[redacted]'),
        ("secret", '"[redacted]"'),
        ('{"a":secretive}', '{"a":"[redacted]"}'),
        ('"sec\\', '"sec\\'),
        ('"secret\\u00', '"[redacted]\\u00'),
        ("", ""),
    ],
)
def test_strings_are_seen_without_escapes_and_replaced_within(text: str, expected: str) -> None:
    assert screened(text, rule(1, "secret")) == expected


def test_numbers_and_literals_are_replaced_whole() -> None:
    cards = regex(1, "[0-9]{4}")
    assert screened('{"card": 41111, "b":[-1.2345e10,true]}', cards) == '{"card": "[redacted]", "b":["[redacted]",true]}'
    assert screened("4111", cards) == '"[redacted]"'
    assert screened("[null,1]", rule(1, "ul")) == '["[redacted]",1]'


def test_a_hit_across_punctuation_replaces_the_strings_only() -> None:
    assert screened('["one","two"]', rule(1, 'ne","tw')) == '["o[redacted]","[redacted]o"]'
    assert screened('{"a":{"b":1}}', rule(1, '"a":{"b"')) == '{"[redacted]":{"[redacted]":1}}'
    assert screened('{"a":1}', rule(1, '":')) == '{"a":1}'


def test_a_replacement_is_escaped() -> None:
    assert json.loads(screened('{"a":"secret"}', rule(1, "secret", replacement='"\\\n'))) == {"a": '"\\\n'}
    assert json.loads(screened('{"a":12}', rule(1, "12", replacement='"'))) == {"a": '"'}


@given(JSON, st.booleans(), st.sampled_from([None, 1]))
def test_valid_json_stays_valid_and_the_rest_of_it_as_it_is(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert _shape(json.loads(masked_json(text, RULES.scan_json(text)))) == _shape(value)
    untouched = active(rule(1, "nothing of this is in it, never"))
    assert masked_json(text, untouched.scan_json(text)) == text


def _shape(value: Any) -> Any:
    """Containers as they were; what is in them may have been masked."""
    if isinstance(value, dict):
        return [_shape(inner) for inner in value.values()] if len(value) < 2 else "several keys"
    return [_shape(inner) for inner in value] if isinstance(value, list) else "scalar"


@given(BROKEN)
def test_what_is_no_json_is_masked_and_never_raises(text: str) -> None:
    seen = Unescaped(text).seen
    hits = active(rule(1, "1")).scan_json(text)
    assert len(hits) == seen.count("1")
    if "\\" not in text:
        assert "1" not in masked_json(text, hits)


@given(BROKEN, st.lists(st.integers(1, 5)))
def test_tokens_do_not_depend_on_how_the_text_comes(text: str, sizes: list[int]) -> None:
    whole, pieces = Lexer(), Lexer()
    whole.feed(text)
    at = 0
    for size in [*sizes, len(text)]:
        pieces.feed(text[at : at + size])
        at += size
    whole.finish()
    pieces.finish()
    assert pieces.tokens == whole.tokens


@given(st.one_of(JSON.map(json.dumps), BROKEN), st.data())
def test_spans_of_what_is_seen_are_whole_escapes(text: str, data: st.DataObject) -> None:
    view = Unescaped(text)
    start = data.draw(st.integers(0, len(view.seen)))
    end = data.draw(st.integers(start, len(view.seen)))
    first, last = view.span(start, end)
    behind = "" if last == len(text) else "z"
    assert Unescaped(text[first:last] + behind).seen == view.seen[start:end] + behind
    assert view.place(first) == start

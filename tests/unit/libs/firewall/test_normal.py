"""Text as rules see it, and the way back."""

# ruff: noqa: RUF001 - letters that look like others are what it is about

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.firewall.normal import Normal, is_normal, last_opening, normalised, opening
from libs.firewall.view import View

# Letters that compose, expand, vanish, and stand for themselves, so that few draws meet all of them.
ODD = "aé e\u0301\u0327\u200b\u00ad\ufeff\ufe0f\U000e0061ﬁﷺｆ１각가ｶﾞㄱㅏ①½µ中，😀\ud83d\ude00\ud800\udc00\u09c7\u09be\u1160\u115f\u0344Å\u212b²"
TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.characters()), max_size=30)
LONG = st.lists(TEXTS, max_size=12).map("".join)

SEEN = [
    ("plain", "plain"),
    ("pass\u200bword", "password"),
    ("s\u00ade\u2060c\ufeffret\ufe0f", "secret"),
    ("ｓｅｃｒｅｔ　１２", "secret 12"),
    ("cafe\u0301", "café"),
    ("e\u200d\u0301", "é"),
    ("ﬁne", "fine"),
    ("\ud835\udc2c", "s"),
    ("a\ud800b", "a\ufffdb"),
    ("k\U000e0061ey", "key"),
]


@pytest.mark.parametrize(("text", "seen"), SEEN, ids=ascii)
def test_what_is_seen(text: str, seen: str) -> None:
    assert normalised(text) == seen
    assert is_normal(text) == (text == seen)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_it_is_nfkc_of_what_can_be_seen(text: str) -> None:
    kept = "".join(char for char in text if normalised(char))
    assert normalised(text) == unicodedata.normalize("NFKC", kept)


@given(LONG, st.integers(0, 400))
def test_clusters_do_not_touch_each_other(text: str, at: int) -> None:
    cut = opening(text, min(at, len(text)))
    assert normalised(text[:cut]) + normalised(text[cut:]) == normalised(text)


@given(LONG, TEXTS)
def test_what_comes_changes_only_the_last_cluster(text: str, more: str) -> None:
    cut = last_opening(text)
    assert normalised(text + more).startswith(normalised(text[:cut]))


def test_spans_are_whole_characters_with_what_is_hidden_in_them() -> None:
    text = "x s\u200bec\u200bret\u200b y"
    normal = Normal(text)
    start = normal.seen.index("secret")
    assert normal.span(start, start + 6) == (2, 10)
    fine = Normal("a ﬁn")
    assert fine.seen == "a fin"
    assert fine.span(3, 4) == (2, 3)
    accent = Normal("xe\u0301\u200by")
    assert accent.span(1, 2) == (1, 3)


@given(LONG, st.data())
def test_a_span_shows_what_was_matched(text: str, data: st.DataObject) -> None:
    normal = Normal(text)
    start = data.draw(st.integers(0, len(normal.seen)))
    end = data.draw(st.integers(start, len(normal.seen)))
    first, last = normal.span(start, end)
    assert 0 <= first <= last <= len(text)
    if start < end:
        assert normal.seen[start:end] in normalised(text[first:last])


@given(LONG, st.data())
def test_places_and_spans_go_together(text: str, data: st.DataObject) -> None:
    normal = Normal(text)
    index = data.draw(st.integers(0, len(text)))
    place = normal.place(index)
    assert 0 <= place <= len(normal.seen)
    cut = opening(text, index)
    if cut == index:
        assert place == len(normalised(text[:index]))
    if place < len(normal.seen):
        first, _ = normal.span(place, place + 1)
        assert normal.place(first) == place


@given(st.one_of(LONG, st.text("ab\\u0041é\"nd83e", max_size=60)), st.booleans(), st.booleans(), st.data())
def test_a_view_goes_from_bytes_to_characters_and_back(text: str, json: bool, raw: bool, data: st.DataObject) -> None:
    view = View(text, json=json, raw=raw, left=data.draw(st.sampled_from(["", "x", "é"])))
    seen = view.data.decode("utf-8", "surrogatepass")
    at = data.draw(st.integers(0, len(seen)))
    start = len(seen[:at].encode("utf-8", "surrogatepass"))
    first, last = view.span(start, len(view.data))
    assert 0 <= first <= last <= len(text)
    assert view.offset(first) <= max(start, view.offset(0))
    assert view.offset(0) == len(view.data) - len(View(text, json=json, raw=raw).data)

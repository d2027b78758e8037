"""Masking a text that comes in pieces."""

# ruff: noqa: RUF001 - letters that look like others are what some of it is about

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.firewall.mask import masked, masked_json
from libs.firewall.ruleset import Active
from libs.firewall.stream import Masker
from tests.unit.libs.firewall.rules import active, detecting, regex, rule

CARD = "4111" + "1111" * 3
PEM = "-----BEGIN " + "PRIVATE KEY-----"
END = "-----END " + "PRIVATE KEY-----"

WORDS = [
    "secret", "sec\u200bret", "ｓｅｃｒｅｔ", "ab", "abc", "é", "e\u0301", "ﬁ", "가", "ᄀ", "ᅡ", "\u200b", "\ud83d", "\ude00", " ", "\n", '"', "\\",
    "\\u0073ecret", "\\u00", "\\ud83d\\ude00", "{", "}", "[", "]", ":", ",", '{"password":"', "password: ", CARD, "12", "x" * 70, "key=", "yy",
    "-----", PEM, "QUJD" * 9, END, "tok-abcdef",
]  # fmt: skip
TEXTS = st.one_of(st.lists(st.sampled_from(WORDS), max_size=30).map("".join), st.text(max_size=40))
CHUNKS = st.lists(st.integers(1, 60), min_size=1, max_size=30)
RULES = [
    rule(1, "secret"),
    rule(2, "abcab", replacement="<b>", priority=3),
    regex(3, r'password"?\s*:\s*"?([^\s"]+)', replacement="<p>"),
    regex(4, r"\b\d{13,16}\b"),
    regex(5, r"key=\w{2,}", replacement='"'),
    detecting(6, "private_key, credit_card", replacement="<d>", priority=9),
    regex(7, "ab|bc.", "warn"),
    regex(8, r"x{3,}", observe=True),
    regex(9, "/^[a-z]+/m", replacement=""),
    regex(10, r"\bab$"),
    regex(11, r"tok-\w{3,}", exceptions=["tok-abc*"]),
    regex(12, r"\x{200b}+", "warn"),
    rule(13, "é", replacement="e"),
    regex(14, r'[":]{2,5}'),
]


@pytest.fixture(autouse=True, scope="module")
def _patience() -> Iterator[None]:
    """A busy machine may take a quarter of a second for anything, and that is not what is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("libs.firewall.stream.SCAN_SECONDS", 60)
        patch.setattr("libs.firewall.ruleset.SCAN_SECONDS", 60)
        yield


RULE_SETS = st.lists(st.sampled_from(RULES), min_size=1, max_size=5, unique_by=lambda each: each.id).map(lambda rules: active(*rules))


def pieces(text: str, sizes: list[int]) -> list[str]:
    """The text in pieces of these sizes, over and over."""
    found, at = [], 0
    while at < len(text):
        size = sizes[len(found) % len(sizes)]
        found.append(text[at : at + size])
        at += size
    return found


def streamed(rules: Active, chunks: list[str], *, as_json: bool = False) -> tuple[str, Masker]:
    masker = Masker(rules, json=as_json)
    out = "".join(map(masker.feed, chunks))
    return out + masker.finish(), masker


def whole(rules: Active, text: str, *, as_json: bool = False) -> str:
    return masked_json(text, rules.scan_json(text)) if as_json else masked(text, rules.scan(text))


@settings(max_examples=400)
@given(RULE_SETS, TEXTS, CHUNKS, st.booleans())
def test_what_comes_out_is_the_masked_whole(rules: Active, text: str, sizes: list[int], as_json: bool) -> None:
    out, masker = streamed(rules, pieces(text, sizes), as_json=as_json)
    assert out == whole(rules, text, as_json=as_json)
    hits = rules.scan_json(text) if as_json else rules.scan(text)
    assert sorted(masker.hits, key=lambda hit: (hit.start, hit.end, -hit.rule.priority, hit.rule.id)) == hits
    assert masker.counts == Counter(hit.rule.id for hit in hits)
    assert masker.pending == 0


@given(RULE_SETS, st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=6), CHUNKS, st.booleans())
def test_json_stays_json(rules: Active, value: object, sizes: list[int], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    out, _ = streamed(rules, pieces(text, sizes), as_json=True)
    assert out == whole(rules, text, as_json=True)
    assert type(json.loads(out)) is type(value)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("size", [2, 7])
def test_every_cut(size: int, as_json: bool) -> None:
    text = f'{{"password":"hunter2 \\u0073ecret \\ud83d\\ude00","card":{CARD},"note":"sec\u200bret {PEM}{"QUJD" * 70}{END} e\u0301 ｓｅｃｒｅｔ"}}'
    rules = active(*RULES[:6])
    expected = whole(rules, text, as_json=as_json)
    for cut in range(len(text)):
        assert streamed(rules, [text[:cut], *pieces(text[cut:], [size])], as_json=as_json)[0] == expected


@given(RULE_SETS, TEXTS, CHUNKS, st.booleans())
def test_nothing_comes_out_that_the_masked_whole_has_not(rules: Active, text: str, sizes: list[int], as_json: bool) -> None:
    """However the text goes on: what is out is the beginning of the masked whole."""
    masker = Masker(rules, json=as_json)
    expected, out = whole(rules, text, as_json=as_json), ""
    for piece in pieces(text, sizes):
        out += masker.feed(piece)
        assert expected.startswith(out)


def test_what_is_held_back_is_bounded() -> None:
    for rules, hold in ((active(rule(1, "secret")), 7), (active(regex(1, "sk-[a-z]{20,}")), 256), (active(rule(1, "secret", "warn")), 0)):
        assert rules.hold == hold
        masker = Masker(rules)
        for sent in range(1, 2000):
            masker.feed("abcdefg hijk"[sent % 12])
            assert masker.pending == min(sent, hold)


def test_rules_that_change_nothing_hold_nothing_back_and_tell_all_the_same() -> None:
    text = "a secret and ab " * 100
    rules = active(rule(1, "secret", "warn"), rule(2, "ab", "block", observe=True))
    masker = Masker(rules)
    for piece in pieces(text, [3]):
        assert masker.feed(piece) == piece
    assert masker.finish() == ""
    assert masker.blocked_by is None
    assert masker.counts == {1: 100, 2: 100}
    assert [(hit.start, hit.end) for hit in masker.hits if hit.rule.id == 1] == [(2 + 16 * at, 8 + 16 * at) for at in range(100)]


@given(TEXTS, TEXTS, CHUNKS, st.booleans())
def test_a_block_lets_nothing_of_the_match_out_nor_anything_behind(before: str, behind: str, sizes: list[int], as_json: bool) -> None:
    rules = active(rule(1, "forbidden word", "block"), rule(2, "secret"), regex(3, "z{20,}", "block", priority=1))
    text = f"{before} forbidden word {behind} {'z' * 30}"
    masker = Masker(rules, json=as_json)
    out = "".join(map(masker.feed, pieces(text, sizes)))
    out += masker.finish()
    assert masker.blocked_by is rules.rules[1]
    hits = rules.scan_json(text) if as_json else rules.scan(text)
    first = next(hit for hit in hits if hit.rule.id == 1)
    earlier = [hit for hit in hits if hit.end <= first.start]
    assert (masked_json if as_json else masked)(text[: first.start], earlier).startswith(out)
    assert any(hit.rule.id == 1 and hit.start == first.start for hit in masker.hits)
    assert (masker.feed("more"), masker.finish(), masker.pending) == ("", "", 0)


def test_a_block_is_known_as_soon_as_it_is_certain() -> None:
    masker = Masker(active(rule(1, "forbidden", "block")))
    out = [masker.feed(char) for char in "it is forbidden to say"]
    assert "".join(out) == "it is "
    assert masker.blocked_by is not None


def test_a_match_that_goes_on_is_held_whole() -> None:
    key = PEM + "QUJD" * 2000
    rules = active(detecting(1, "private_key"))
    masker = Masker(rules)
    out = masker.feed("here it is: ")
    for piece in pieces(key, [5]):
        out += masker.feed(piece)
    assert out == "here it is: "
    assert out + masker.finish() == "here it is: [redacted]"
    out, _ = streamed(rules, pieces(f"{key}{END} and the rest. " + "x" * 5000, [5]))
    assert out == "[redacted] and the rest. " + "x" * 5000


def test_a_match_that_goes_on_is_not_looked_at_for_every_piece() -> None:
    """A long match costs as much as its text, not the square of it."""
    rules = active(regex(1, "tok-[a-z]{3,}"))
    seen = 0
    plain = rules.suspected

    def counted(view: object, **options: object) -> object:
        nonlocal seen
        seen += len(view.data)  # type: ignore[attr-defined]
        return plain(view, **options)  # type: ignore[arg-type]

    rules.suspected = counted  # type: ignore[assignment, method-assign]
    out, _ = streamed(rules, pieces("tok-" + "a" * 50_000, [4]))
    assert out == "[redacted]"
    assert seen < 10 * 50_000


def test_hits_are_listed_up_to_a_thousand_and_all_counted() -> None:
    out, masker = streamed(active(rule(1, "a", replacement="-")), pieces("ab" * 1500, [7]))
    assert out == "-b" * 1500
    assert (len(masker.hits), masker.counts) == (1000, {1: 1500})


@given(RULE_SETS, TEXTS, CHUNKS)
def test_characters_can_be_followed_to_where_they_went(rules: Active, text: str, sizes: list[int]) -> None:
    out, masker = streamed(rules, pieces(text, sizes))
    covered = [(hit.start, hit.end) for hit in rules.scan(text) if hit.rule.action == "mask" and not hit.rule.observe]
    for index, char in enumerate(text):
        if not any(start <= index < end for start, end in covered):
            assert out[masker.moved(index)] == char
    assert masker.moved(len(text)) == len(out)


def test_what_is_masked_stands_where_its_replacement_begins() -> None:
    _, masker = streamed(active(rule(1, "secret")), ["a secret and a secret."])
    assert [masker.moved(at) for at in (0, 2, 5, 8, 9, 15, 21)] == [0, 2, 2, 12, 13, 19, 29]


@pytest.mark.parametrize("pattern", [r"\b\d{3,5}\b", r"\d{3,5}$", "/^\\d{3,5}$/m", r"\d{5}\B", r"\d{3,5}(?:x|\z)", r"\d{2}(?:\d{3})?", "12345|123", r"\d{3,}?\b"])
def test_what_stands_right_behind_a_match_counts(pattern: str) -> None:
    rules = active(regex(1, pattern), hold_back=8)
    for digits in range(9):
        for behind in ("", "x", " ", "\n", "é", "\u200b1", "\u0301"):
            text = f"ab {'123456789'[:digits]}{behind}" + " and more of it" * 2
            for chunks in (list(text), [text], pieces(text, [2]), [*text[:8], text[8:]]):
                assert streamed(rules, chunks)[0] == whole(rules, text)

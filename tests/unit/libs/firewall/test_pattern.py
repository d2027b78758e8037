"""Patterns that can be rules, and what is said of those that cannot."""

import math

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.errors import ValidationFailed
from libs.firewall.pattern import MAX_PROGRAM, check, warnings
from libs.firewall.width import Width, width
from tests.unit.libs.firewall.rules import active, detecting, regex, rule

LACKING = [
    ("foo(?=bar)", "lookahead '(?='", 3),
    ("foo(?!bar)", "negative lookahead '(?!'", 3),
    ("(?<=a)b", "lookbehind '(?<='", 0),
    ("x(?<!a)b", "negative lookbehind '(?<!'", 1),
    ("(?>ab)c", "atomic group '(?>'", 0),
    (r"(\w)x\1", r"back-reference '\1'", 5),
    (r"(?P<q>['\"])x(?P=q)", "back-reference '(?P=q)'", 13),
    (r"(?<q>a)\k<q>", r"back-reference '\k<q>'", 7),
    (r"(a)\g{1}", r"back-reference '\g{1}'", 3),
    ("ab++c", "possessive quantifier '++'", 2),
    ("[a-z]*+c", "possessive quantifier '*+'", 5),
    ("a{2,3}+c", "possessive quantifier '{2,3}+'", 1),
    ("(a)?(?(1)b|c)", "conditional '(?('", 4),
    ("a{2000}", "repetition '{2000}'", 1),
    ("a{1,1001}b", "repetition '{1,1001}'", 1),
    ("(a{100}){100}", "repetition", None),
    (r"end\Z", r"anchor '\Z'", 3),
    (r"\Gabc", r"anchor '\G'", 0),
    (r"ab\Kc", r"'\K'", 2),
    (r"a\Rb", r"'\R'", 1),
    (r"a\hb", r"'\h'", 1),
    (r"\X", r"'\X'", 0),
    (r"\u0041", r"code point '\u0041'", 0),
    (r"\cA", r"control character '\cA'", 0),
    (r"\eA", r"escape character '\e'", 0),
    (r"[a\b]", r"backspace '\b'", 2),
    (r"\(((?:[^()]|(?R))*)\)", "recursion '(?R)'", 12),
    ("(a)(?1)", "recursion '(?1)'", 3),
    ("a(?#note)b", "inline comment '(?#'", 1),
    ("(?x)a b", "flag '(?x)'", 0),
    ("(?|a|b)", "branch reset '(?|'", 0),
    ("a**", "repetition of a repetition '**'", 1),
    (r"\C", r"'\C'", 0),
    ("/abc/x", "flag 'x'", 5),
    (r"[(?=]\d(?=x)", "lookahead '(?='", 7),
    (r"\(?=\Q(?=\E(?=x)", "lookahead '(?='", 11),
]


@pytest.mark.parametrize(("pattern", "construct", "position"), LACKING)
def test_what_re2_lacks_is_named_with_its_place_and_a_way_around(pattern: str, construct: str, position: int | None) -> None:
    with pytest.raises(ValidationFailed) as raised:
        check(regex(1, pattern))
    info = raised.value.info
    assert (info.status, info.code, info.param) == (422, "invalid_rule_pattern", "pattern")
    assert construct in info.message
    assert position is None or f"(at position {position})" in info.message
    assert ";" in info.message


@pytest.mark.parametrize("pattern", ["(", ")", "[a", "*a", "[b-a]", r"\p{Foo}", "[[:foo:]]", "\\", "(?P<a-b>a)", "a\ud800"])
def test_what_is_wrong_in_any_engine_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationFailed, match=r".") as raised:
        check(regex(1, pattern))
    assert raised.value.info.param == "pattern"


@pytest.mark.parametrize("pattern", ["", "a*", "a?", "x|", "^", "$", r"\b", "(?:a|b)*", "(?i)", "/a*/", "[[:alpha:]]*", "(a{0,3})"])
def test_a_pattern_that_matches_nothing_at_all_would_hit_everything(pattern: str) -> None:
    with pytest.raises(ValidationFailed, match="empty"):
        check(regex(1, pattern))


@pytest.mark.parametrize(
    "pattern",
    ["a", "x" * 1000, r"(?i)pass(?:word)?\s*[:=]\s*\S{6,}", "/etc/passwd", "/usr/lib/", "/x/gu", r"\bключ\b", r"\pL+", r"(?P<n>a)(?<m>b)"],
)
def test_everything_else_is_a_pattern(pattern: str) -> None:
    check(regex(1, pattern))


@pytest.mark.parametrize("pattern", [r"a\z", "a{1000}", r"\Qa.b\E", r"[\]]+", "[]a]", r"\S{1,1000}", "(?i-s:a.)b", "a++b".replace("++", r"\++")])
def test_what_looks_like_something_else_is_a_pattern_too(pattern: str) -> None:
    check(regex(1, pattern))


@pytest.mark.parametrize("pattern", ["", "x" * 1001, "a\ud800"])
def test_substrings_have_limits_too(pattern: str) -> None:
    with pytest.raises(ValidationFailed):
        check(rule(1, pattern))


def test_a_program_that_takes_too_long_for_each_character_is_refused() -> None:
    with pytest.raises(ValidationFailed, match=rf"at most {MAX_PROGRAM:,}"):
        check(regex(1, r"\S{1,1000}a" * 2))


def test_case_follows_the_delimiters() -> None:
    assert active(regex(1, "abc")).scan("ABC")
    assert active(regex(1, "/abc/i")).scan("ABC")
    assert not active(regex(1, "/abc/")).scan("ABC")
    assert active(regex(1, "/a.c$/sm")).scan("a\nc\nd")
    assert active(regex(1, "/etc/passwd")).scan("cat /ETC/passwd")
    assert active(rule(1, "a.c")).scan("A.C")
    assert not active(rule(1, "a.c")).scan("abc")


def test_detectors_are_known_by_name() -> None:
    check(detecting(1, "secrets, email"))
    with pytest.raises(ValidationFailed, match="emial") as raised:
        check(detecting(1, "secrets, emial"))
    assert (raised.value.info.code, raised.value.info.param) == ("invalid_rule_pattern", "pattern")


@pytest.mark.parametrize("exception", ["", "*", "**", "/a*/", "/(?=x)/", "/(/"])
def test_exceptions_are_checked(exception: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        check(rule(1, "x", exceptions=["fine*", exception]))
    assert raised.value.info.param == "exceptions"


def test_warnings_tell_what_is_not_as_it_seems() -> None:
    assert "stream" in warnings(regex(1, "BEGIN.*END", scope="response"))[0]
    assert warnings(regex(1, "BEGIN.*END")) == []
    assert warnings(regex(1, r"(?s)BEGIN.*?(?:END|\z)", scope="response")) == []
    assert warnings(regex(1, "sk-[a-z]{20,}", scope="response")) == []
    assert "ASCII" in warnings(regex(1, r"\bcafé\b"))[0]
    assert "{0,5}" in warnings(regex(1, "a{,5}"))[0]
    assert warnings(rule(1, "é.*", scope="response")) == []


WIDTHS = [
    ("abc", 3, 3, 3),
    ("a|bcd", 1, 3, 3),
    ("", 0, 0, 0),
    (r"\b\Aa$\z\B^", 1, 1, 1),
    ("sk-[a-z]{20,}", 23, math.inf, 23),
    ("a.*b", 2, math.inf, math.inf),
    (r"(?s)BEGIN.*?(?:END|\z)", 5, math.inf, 5),
    ("[[:alpha:]]{3}[]a]?", 3, 4, 3),
    (r"\Qa.b\E+", 3, math.inf, 3),
    (r"\pN\p{Greek}\x41\x{10FFFF}\012", 5, 5, 5),
    ("(?P<v>a{2,3})?(?<w>b)", 1, 4, 4),
    ("(?:ab{2,}){3}", 9, math.inf, math.inf),
    ("a{,5}", 5, 5, 5),
    ("(?i-s:a)(?m)", 1, 1, 1),
    ("x{0}", 0, 0, 0),
    (r"[\]\x{41}-\x{5a}\pL[:digit:]]", 1, 1, 1),
    ("(" * 499 + "a" + ")" * 499, 0, math.inf, math.inf),
]


@pytest.mark.parametrize(("pattern", "least", "most", "known"), WIDTHS, ids=range(len(WIDTHS)))
def test_how_long_matches_can_be(pattern: str, least: float, most: float, known: float) -> None:
    assert width(pattern) == Width(least, most, known)


_ATOMS = st.sampled_from(["a", "b", "[ab]", ".", r"\w", "(?:ab|c)", "(a)", r"\x61", "[[:alpha:]]"])
_TIMES = st.sampled_from(["", "?", "*", "+", "{2}", "{1,3}", "{2,}", "*?", "{0,2}?"])
_PATTERNS = st.lists(st.tuples(_ATOMS, _TIMES), min_size=1, max_size=5).map(lambda parts: "".join(map("".join, parts)))


@given(st.lists(_PATTERNS, min_size=1, max_size=3).map("|".join), st.text("abcd ", max_size=60))
def test_no_match_is_shorter_or_longer_than_its_width(pattern: str, text: str) -> None:
    size = width(pattern)
    for match in re2.finditer(pattern, text):
        assert size.least <= match.end() - match.start() <= size.most


@given(st.text(min_size=1, max_size=8).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)), st.text(max_size=20))
def test_a_substring_is_found_as_it_is_written(pattern: str, around: str) -> None:
    assert active(rule(1, pattern)).scan(f"{around} {pattern} {around}")

"""Masked texts."""

from hypothesis import given
from hypothesis import strategies as st

from libs.firewall.mask import masked
from libs.firewall.ruleset import Hit
from tests.unit.libs.firewall.rules import active, rule


def screened(text: str, *rules: object) -> str:
    found = active(*rules)  # type: ignore[arg-type]
    return masked(text, found.scan(text))


def test_every_span_is_replaced() -> None:
    assert screened("My SECRET and my secret", rule(1, "secret")) == "My [redacted] and my [redacted]"
    assert screened("a secret", rule(1, "secret", replacement="")) == "a "
    assert screened("none", rule(1, "secret")) == "none"


def test_overlapping_masks_merge_under_the_strongest_rule() -> None:
    low, high = rule(1, "abcd", replacement="<low>"), rule(2, "cdef", replacement="<high>", priority=5)
    assert screened("xabcdefx", low, high) == "x<high>x"
    assert screened("abcdef", rule(3, "abcd", replacement="<3>"), rule(2, "cdef", replacement="<2>")) == "<2>"
    assert screened("abcdefgh", low, rule(2, "cdef", replacement="<2>"), rule(3, "efgh", replacement="<3>", priority=1)) == "<3>"


def test_spans_that_only_touch_stay_apart() -> None:
    assert screened("abcd", rule(1, "ab"), rule(2, "cd", replacement="2")) == "[redacted]2"


def test_only_enforced_masks_change_the_text() -> None:
    others = rule(1, "one", observe=True), rule(2, "two", "warn"), rule(3, "three", "block")
    assert screened("one two three four", *others, rule(4, "four")) == "one two three [redacted]"


@given(st.text(), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8))
def test_nothing_of_a_span_is_left_and_nothing_else_is_gone(text: str, spans: list[tuple[int, int]]) -> None:
    nothing = rule(1, "x", replacement="")
    hits = [Hit(nothing, min(start, len(text)), min(end, len(text))) for start, end in spans if start < end]
    covered = {at for hit in hits for at in range(hit.start, hit.end)}
    assert masked(text, hits) == "".join(char for at, char in enumerate(text) if at not in covered)

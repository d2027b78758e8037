"""Rules of a scope, compiled: what they find in a text."""

# ruff: noqa: RUF001 - letters that look like others are what some of it is about

import random
import time
from typing import Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.policies import FirewallRules
from libs.firewall import ruleset as module
from libs.firewall.ruleset import Hit, RuleSet, ScanTimeout
from tests.unit.libs.firewall.rules import active, detecting, regex, rule, ruleset

CARD = "4111" + "1111" * 3


def spans(hits: list[Hit]) -> list[tuple[int, int, int]]:
    return [(hit.rule.id, hit.start, hit.end) for hit in hits]


def test_hits_are_characters_of_the_text_as_it_came() -> None:
    rules = active(rule(1, "secret"))
    assert spans(rules.scan("é 😀 Secret, ｓｅｃｒｅｔ and sec\u200bret.")) == [(1, 4, 10), (1, 12, 18), (1, 23, 30)]
    assert spans(rules.scan_json(r'{"a":"\u0073ecret"}')) == [(1, 6, 17)]
    assert rules.scan("") == []


def test_rules_are_enabled_ones_of_the_scope_the_strongest_first() -> None:
    rules = [
        rule(1, "a"), rule(2, "a", priority=5), rule(3, "a", priority=5, is_enabled=False), rule(4, "a", scope="response"), rule(5, "a", priority=5)
    ]  # fmt: skip
    found = RuleSet(FirewallRules(rules=rules), "prompt")
    assert len(found) == 3
    assert [each.id for each in found.active("", "", "").rules] == [2, 5, 1]
    assert spans(found.active("", "", "").scan("xa")) == [(2, 1, 2), (5, 1, 2), (1, 1, 2)]


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (("key_1", "ci", "web"), [1, 2, 3, 4]),
        (("key_1", "ci", ""), [1, 3]),
        (("key_2", "ci", "web"), [1, 2, 3, 4]),
        (("key_2", "other", "web"), [1, 2]),
        (("", "", ""), [1]),
    ],
)
def test_rules_are_narrowed_to_projects_and_keys(caller: tuple[str, str, str], expected: list[int]) -> None:
    rules = ruleset(
        rule(1, "a"), rule(2, "a", projects=["app", "web"]), rule(3, "a", api_keys=["ci", "key_1"]),
        rule(4, "a", projects=["web"], api_keys=["ci", "key_1"]),
    )  # fmt: skip
    assert [each.id for each in rules.active(*caller).rules] == expected
    assert [hit.rule.id for hit in rules.active(*caller).scan("a")] == expected
    assert rules.active(*caller) is rules.active(*caller)


def test_callers_are_not_kept_without_end() -> None:
    rules = ruleset(*(rule(number, "a", projects=[str(number)]) for number in range(300)))
    for number in range(300):
        assert [hit.rule.id for hit in rules.active("", "", str(number)).scan("a")] == [number]
    assert len(rules._active) <= module._MOST_CALLERS


def test_whether_a_stream_has_to_be_held_back() -> None:
    assert (active(rule(1, "secret", "warn")).changes, active(rule(1, "secret", "warn")).hold) == (False, 0)
    assert (active(rule(1, "secret", observe=True)).changes, active(rule(1, "secret", "block", observe=True)).hold) == (False, 0)
    assert active(rule(1, "secret"), regex(2, "a.*b", "warn")).hold == 7
    assert active(rule(1, "secret"), regex(2, "a{300}", "block")).hold == 301
    assert active(regex(1, "sk-[a-z]{20,}")).hold == 256
    assert active(regex(1, "a{1,500}b{1,600}")).hold == 502
    assert active(regex(1, "a{1000}b{1000}")).hold == 1024
    assert active(regex(1, r"(?s)B{400}.*?(?:END|\z)")).hold == 401
    assert active(regex(1, "a.*b"), hold_back=64).hold == 64
    assert active().changes is False


def test_all_hits_of_all_actions_are_found() -> None:
    rules = active(rule(1, "a", "warn"), rule(2, "a", "block"), rule(3, "a", observe=True))
    assert spans(rules.scan("aba")) == [(1, 0, 1), (2, 0, 1), (3, 0, 1), (1, 2, 3), (2, 2, 3), (3, 2, 3)]


def test_what_only_tells_is_told_a_thousand_times_and_what_masks_always() -> None:
    text = "a" * 1500
    assert len(active(rule(1, "a", "warn")).scan(text)) == 1000
    assert len(active(rule(1, "a", "block")).scan(text)) == 1000
    assert len(active(rule(1, "a", observe=True)).scan(text)) == 1000
    assert len(active(rule(1, "a")).scan(text)) == 1500


@pytest.mark.parametrize(
    ("exceptions", "expected"),
    [
        ([], ["foo@bar.example", "Ann@bar.example", "foo@corp.example"]),
        (["*@BAR.example"], ["foo@corp.example"]),
        (["foo@*", "ann@bar.example"], []),
        (["foo"], ["foo@bar.example", "Ann@bar.example", "foo@corp.example"]),
        (["/@corp/"], ["foo@bar.example", "Ann@bar.example"]),
        (["/^ann/"], ["foo@bar.example", "Ann@bar.example", "foo@corp.example"]),
        (["/^ann/i"], ["foo@bar.example", "foo@corp.example"]),
        (["f.o@*"], ["foo@bar.example", "Ann@bar.example", "foo@corp.example"]),
    ],
)
def test_exceptions_are_no_hits(exceptions: list[str], expected: list[str]) -> None:
    text = "foo@bar.example, Ann@bar.example; foo@corp.example"
    found = active(regex(1, r"\w+@[\w.]+\w", exceptions=exceptions)).scan(text)
    assert [text[hit.start : hit.end] for hit in found] == expected


def test_exceptions_see_the_match_normalised() -> None:
    rules = active(regex(1, r"[a-z]+-id", exceptions=["test-id"]))
    assert rules.scan("ｔｅｓｔ-id te\u200bst-id") == []


def test_detectors_name_themselves_and_their_value_is_the_hit() -> None:
    text = f"pay with {CARD} or ann@mail.corp-x.org"
    found = active(detecting(1, "credit_card, email")).scan(text)
    assert [(hit.detector, text[hit.start : hit.end]) for hit in found] == [("credit_card", CARD), ("email", "ann@mail.corp-x.org")]
    assert active(detecting(1, "pii", exceptions=["*@mail.corp-x.org", CARD])).scan(text) == []


def test_detectors_of_one_rule_that_overlap_count_once() -> None:
    token = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    text = f"export GITHUB_TOKEN={token}"
    found = active(detecting(1, "secrets")).scan(text)
    assert len(found) == 1
    assert token in text[found[0].start : found[0].end]
    assert len(active(detecting(1, "secrets"), detecting(2, "secrets")).scan(text)) == 2


def test_a_detector_that_nobody_knows_breaks_the_set() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        ruleset(detecting(1, "nonsense"))
    with pytest.raises(re2.error):
        ruleset(regex(1, "(?=x)"))


def test_a_rule_that_asks_for_hidden_characters_finds_them() -> None:
    assert active(rule(1, "\u200b")).scan("a\u200bb")
    assert active(regex(1, r"\x{200b}")).scan("a\u200bb")
    assert active(regex(1, r"\p{Cf}+")).scan("a\u200bb")
    assert spans(active(regex(1, "[\uff21-\uff3a]+")).scan("xＡＢ")) == [(1, 1, 3)]
    assert active(regex(1, r"\x{200b}")).suspects("a\u200bb")
    assert spans(active(rule(2, "ab"), regex(1, r"\x{200b}b")).scan("a\u200bb")) == [(2, 0, 3), (1, 1, 3)]


@pytest.mark.parametrize("text", ["\ud800", "secret \udc00", "\ud83d\ude00 secret", "sec\udfffret"])
def test_halves_of_surrogate_pairs_do_no_harm(text: str) -> None:
    rules = active(rule(1, "secret"), regex(2, ".+"), regex(3, r"\x{200b}|x"))
    for scan in (rules.scan, rules.scan_json):
        assert spans(scan(text))[-1][2] <= len(text)
    assert rules.suspects(text)


def test_anchors_are_those_of_the_text() -> None:
    assert spans(active(regex(1, "^a")).scan("aa\na")) == [(1, 0, 1)]
    assert spans(active(regex(1, "/^a/m")).scan("aa\na")) == [(1, 0, 1), (1, 3, 4)]
    assert spans(active(regex(1, "a$")).scan("aa\na")) == [(1, 3, 4)]


def test_the_time_is_limited() -> None:
    past = time.monotonic() - 1
    for rules in (active(rule(1, "a")), active(regex(1, "x.*y"))):
        with pytest.raises(ScanTimeout):
            rules.scan("xa" * 10_000 + "y", deadline=past)
        with pytest.raises(ScanTimeout):
            rules.scan_json('"xa\\u0061' * 10_000, deadline=past)


@pytest.mark.parametrize(
    ("pattern", "letters"), [("(?:a+b|a)", "a"), ("[ab]*a[ab]{999}c", "ab"), (".*a.{1000}c", "ab"), ("a[ab]{999}c", "ab"), ("é+b|é", "é")]
)
def test_evil_patterns_on_long_texts_end(pattern: str, letters: str) -> None:
    drawn = random.Random(1).choices(letters, k=400_000)
    began = time.thread_time()
    with pytest.raises(ScanTimeout):
        active(regex(1, pattern)).scan("".join(drawn))
    # Of the processor, not by the clock: twice the limit, where a search without limit takes 2 to 60 s.
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*a){12}$", r"^(\w+\s?)+$", "(x+x+)+y", r"/^(([a-z])+.)+[A-Z]([a-z])+$/"])
def test_patterns_that_are_evil_elsewhere_are_not_here(pattern: str) -> None:
    # A backtracking engine takes longer than the universe has.
    assert active(regex(1, pattern)).scan("ax" * 25_000 + "!", deadline=time.monotonic() + 60) == []


_WORDS = st.sampled_from(["a", "ab", "secret", "key=", "é", " ", "12", "\n", "ｆ", "x" * 40, '"', "\\u0061", "\u200b", "-"])
_TEXTS = st.lists(_WORDS, max_size=60).map("".join)
_RULES: list[Any] = [
    rule(1, "secret"), regex(2, r"\b[a-z]{2,5}\b"), regex(3, "a+b|a"), regex(4, "key=.*"), regex(5, r"\d+$"), regex(6, "/^x{3,}/m"),
    regex(7, r"(?s)1.*?2"), regex(8, "é."), regex(9, r"\B"+"x"), regex(10, "[^a]{3,}"), regex(11, r"key=\S{1,5}\b"),
]  # fmt: skip


def _plainly(text: str) -> list[tuple[int, int, int]]:
    """What RE2 alone finds, rule by rule."""
    found = [
        (each.id, match.start(), match.end())
        for each in _RULES
        for match in re2.finditer(module.finders(each, 256)[0].source, text)
    ]  # fmt: skip
    return sorted(found, key=lambda span: (span[1], span[2], span[0]))


@given(st.lists(st.sampled_from(["a", "b", "secret", "key=", " ", "12", "\n", "xxxx", '"', "-", "é"]), max_size=400), st.sampled_from([64, 256]))
def test_long_texts_are_looked_at_in_blocks_and_hits_stay_the_same(words: list[str], block: int) -> None:
    text = "".join(words)
    usual = module._BLOCK
    module._BLOCK = block
    try:
        hits = active(*_RULES, hold_back=32).scan(text, deadline=time.monotonic() + 60)
    finally:
        module._BLOCK = usual
    assert spans(hits) == _plainly(text)


@given(_TEXTS, st.lists(_TEXTS, max_size=3))
def test_what_is_not_suspected_is_not_there(text: str, others: list[str]) -> None:
    for each in _RULES:
        rules = active(each)
        if rules.scan(text) or rules.scan_json(text):
            assert rules.suspects(text)
            assert rules.suspects("\n".join([*others, text]))
    assert not active(rule(1, "nothing of this")).suspects(text)


def test_a_set_without_rules_finds_nothing() -> None:
    rules = active()
    assert (len(rules), rules.suspects("x"), rules.scan("x")) == (0, False, [])


def test_a_thousand_rules_are_all_found() -> None:
    rules = active(*(rule(number, f"word{number:04}") for number in range(1000)))
    assert [hit.rule.id for hit in rules.scan(" ".join(f"word{number:04}" for number in range(1000)))] == list(range(1000))

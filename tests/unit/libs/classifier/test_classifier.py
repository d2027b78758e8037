"""What the shipped model makes of prompts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.classifier.classifier import Classifier
from libs.classifier.cues import named_family
from libs.classifier.prompt import Prompt
from libs.classifier.quality import unpacked
from libs.contracts.reading import FAMILIES, Reading

CLASSIFIER = Classifier.load()


def read(text: str, metadata: dict[str, str] | None = None, **fields: object) -> Reading:
    return CLASSIFIER.read(Prompt(text=text, chars=len(text), **fields), metadata or {})  # type: ignore[arg-type]


def likeliest(reading: Reading) -> str:
    return max(reading.families, key=lambda family: reading.families[family])


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("Write a Python function that returns the second largest number of a list.", "code"),
        ("Let $f(x)=x^3-3x+1$. Find the number of real roots of $f(f(x))=0$.", "math"),
        ("Tom has 5 apples. He buys 3 bags with 4 apples each and eats 2. How many apples does he have now?", "math"),
        ("Which gas do plants absorb during photosynthesis?\nA. Oxygen\nB. Carbon dioxide\nC. Nitrogen\nD. Helium", "science"),
        ("Who wrote the novel that the opera La traviata is based on?", "knowledge"),
        ("Write a short poem about autumn for my grandmother.", "writing"),
    ],
)
def test_families(text: str, family: str) -> None:
    assert likeliest(read(text)) == family


def test_tools_make_it_a_matter_of_tools() -> None:
    asked = "What is the weather in Paris tomorrow?"
    with_tools = read(asked, tools=("get_weather", "get_time"), tools_chars=600)
    assert likeliest(with_tools) == "tools"
    assert "tools" not in read(asked).families or read(asked).families["tools"] < 0.5
    assert with_tools.output_tokens < read(asked).output_tokens


def test_a_competition_problem_is_harder_than_a_word_problem() -> None:
    easy = read("Tom has 5 apples and buys 3 more. How many apples does he have?")
    hard = read("Find the number of ordered pairs $(a,b)$ of integers such that $\\frac{a^2+b^2}{ab-1}$ is an integer and $1\\le a\\le b\\le 1000$.")
    assert easy.difficulty < 0.5 < hard.difficulty


def test_the_family_that_metadata_names_is_believed() -> None:
    text = "Have a look at this and tell me what you think of it."
    assert likeliest(read(text, {"task": "Code Review"})) == "code"
    assert read(text, {"task": "code"}).families["code"] > read(text).families.get("code", 0.0)
    assert read(text, {"task": "something else"}) == read(text)


def test_instructions_count_for_something() -> None:
    bare = read("Have a look at the second function.")
    told = read("Have a look at the second function.", instructions="You are a Python programmer. Write code and fix bugs in Python functions.")
    assert told.families.get("code", 0.0) > bare.families.get("code", 0.0)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "42 + 17", "日本の首都はどこですか。詳しく説明してください。", "asdkjh qwelkj zxcmnb poiuqwe lkjasd",
        "Schreibe mir bitte eine kurze Zusammenfassung der Geschichte der Stadt.",
        "Quelle est la capitale de la France et combien d'habitants compte-t-elle aujourd'hui ?",
    ],
)  # fmt: skip
def test_what_it_does_not_know_it_does_not_read(text: str) -> None:
    reading = read(text)
    assert reading.because
    assert reading.demand == b""
    assert reading.families == {}
    assert reading.difficulty == 0.5


def test_metadata_names_the_family_of_what_cannot_be_read() -> None:
    assert read("日本の首都はどこですか", {"task": "translation"}).families == {"writing": 1.0}


def test_synonyms_lead_to_families() -> None:
    assert named_family({"task": "function-calling"}) == "tools"
    assert named_family({"task": "MATH"}) == "math"
    assert named_family({"topic": "math"}) is None
    assert {named_family({"task": family}) for family in FAMILIES} == set(FAMILIES)


@given(st.text(max_size=400), st.lists(st.text(max_size=20), max_size=3))
def test_every_reading_is_within_its_bounds(text: str, tools: list[str]) -> None:
    reading = read(text, tools=tuple(tools), tools_chars=100 * len(tools))
    assert 0 <= reading.sure <= 1
    assert 0 <= reading.difficulty <= 1
    assert reading.output_tokens >= 1
    assert set(reading.families) <= set(FAMILIES)
    if not reading.because:
        assert sum(reading.families.values()) == pytest.approx(1, abs=0.06)
        assert len(unpacked(reading.demand)) == 1 + len(CLASSIFIER.header.topics) + CLASSIFIER.header.latents


@given(st.text(alphabet="abcdefgh ijklmnop", min_size=1, max_size=100))
def test_the_same_prompt_is_read_the_same(text: str) -> None:
    assert read(text) == read(text)

"""Everyday requests, which no benchmark has, and what their words say of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.classifier.classifier import Classifier
from libs.classifier.cues import cues
from libs.classifier.features import tokens
from libs.classifier.prompt import Prompt
from libs.contracts.reading import FAMILIES

CLASSIFIER = Classifier.load()
EVERYDAY = {
    "code": [
        "Write a TypeScript React component that shows a sortable table of users.",
        "Write a SQL query that returns the top 5 customers by revenue",
        "How do I reverse a linked list in Rust?", "Why does my Docker container exit immediately?",
        "Fix this bug: TypeError: 'NoneType' object is not subscriptable in my Flask view",
    ],
    "math": [
        "Prove that the square root of 2 is irrational.", "Compute the integral of x*e^x dx", "If 3 apples cost $2.40, how much do 7 apples cost?",
    ],
    "writing": [
        "Write a short poem about autumn.", "Rewrite this email to sound more polite: send me the report now", "Hello! How are you today?",
        "Summarize the following text in three bullet points: The committee met in spring to discuss the budget.",
    ],
    "science": ["Why is the sky blue?", "What is the oxidation state of manganese in KMnO4?"],
    "knowledge": ["What is the capital of Australia?", "Who wrote War and Peace?"],
    "reasoning": [
        "Plan a three-day trip to Rome for a family with two small children on a budget of 600 euros.",
        "Three people A, B and C each either always lie or always tell the truth. A says B lies. Who tells the truth?",
    ],
}


@pytest.mark.parametrize(("family", "text"), [(family, text) for family, texts in EVERYDAY.items() for text in texts])
def test_everyday_requests_are_taken_for_what_they_are(family: str, text: str) -> None:
    families = CLASSIFIER.read(Prompt(text=text, chars=len(text)), {}).families
    assert max(families, key=lambda name: families[name]) == family


def test_exams_and_tools_are_left_to_the_model() -> None:
    question = "Which language compiles to bytecode? Python, SQL, HTML or CSS?"
    exam = "Which of these languages is compiled?\n(A) Python\n(B) SQL\n(C) HTML\n(D) CSS"
    plain = CLASSIFIER.read(Prompt(text=question, chars=len(question)), {}).families
    assert plain["code"] > 0.6
    asked = CLASSIFIER.read(Prompt(text=exam, chars=len(exam)), {}).families
    offered = CLASSIFIER.read(Prompt(text=question, chars=len(question), tools=("get_weather",), tools_chars=200), {}).families
    assert asked.get("code", 0.0) < 0.6
    assert offered.get("code", 0.0) < plain["code"]


def test_a_prompt_that_cannot_be_read_may_still_name_its_family() -> None:
    text = "Perché questa funzione non ritorna nulla?\n```python\ndef f(x):\n    x + 1\n```"
    reading = CLASSIFIER.read(Prompt(text=text, chars=len(text)), {})
    assert max(reading.families, key=lambda name: reading.families[name]) == "code"


@given(st.text())
def test_strengths_are_shares(text: str) -> None:
    found = cues(text, tokens(text))
    assert found.keys() <= set(FAMILIES)
    assert all(0 < strength <= 1 for strength in found.values())

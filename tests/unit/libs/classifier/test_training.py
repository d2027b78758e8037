"""The fits behind the model file, on data small enough to check."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from libs.classifier.training.data import FOLDS, fold_of, pools_of, prompt_of_row
from libs.classifier.training.linear import fit_topics, ridge, softmax
from libs.classifier.training.topics import family_of, topic_of

META = {
    "mix_suites": ["one", "two"], "mix": {"big": {"one": "a", "two": "c"}, "small": {"one": "b", "two": "d"}},
    "prices_usd_per_mtok": {"a": [5, 15]},
}  # fmt: skip


def row(suite: str, **scores: float) -> dict[str, Any]:
    return {"suite": suite, "task": "t", "prompt": "Why?", "models": {name: [score, 10, 0.1, None] for name, score in scores.items()}}


def test_ridge_agrees_with_the_closed_form() -> None:
    random = np.random.default_rng(3)
    rows, target = random.normal(size=(30, 8)), random.normal(size=(30, 2))
    exact = np.linalg.solve(rows.T @ rows + 2 * np.eye(8), rows.T @ target)
    assert ridge(sparse.csr_matrix(rows.astype(np.float32)), target, 2.0, steps=40) == pytest.approx(exact, abs=1e-3)


def test_topics_are_learned_from_words_and_from_measures() -> None:
    topic = np.arange(600) % 3
    words = sparse.csr_matrix((np.ones(600, np.float32), (np.arange(600), np.minimum(topic, 1))), shape=(600, 4))
    measures = (topic == 2).astype(np.float32)[:, None] * 2 - 1
    fitted = fit_topics(words, measures, topic, np.ones(600, np.float32), 3, epochs=20, batch=50)
    found = softmax(words @ fitted[0] + measures @ fitted[1] + fitted[2])
    assert (found.argmax(axis=1) == topic).all()


def test_the_mix_takes_each_models_version_of_the_suite_and_weighs_suites_alike() -> None:
    rows = [row("one", a=1.0, b=0.0), row("one", a=1.0, b=0.0), row("two", c=0.0, d=1.0), row("three", e=0.5)]
    pools = pools_of(rows, META)
    assert set(pools) == {"one", "two", "three", "mix"}
    mix = pools["mix"]
    assert mix.models == ["big", "small"]
    assert mix.rows.tolist() == [0, 1, 2]
    assert mix.score.tolist() == [[1, 0], [1, 0], [0, 1]]
    assert mix.weight.tolist() == pytest.approx([0.25, 0.25, 0.5])
    assert pools["one"].usd_per_mtok == [(5.0, 15.0), None]


@pytest.mark.parametrize(
    ("suite", "task", "topic", "family"),
    [
        ("mmlupro", "computer science", "computer_science", "science"), ("bfcl", "java", "tools_java", "tools"),
        ("routellm", "mmlu:high_school_mathematics", "mmlu_school_math", "math"), ("routellm", "mmlu:abstract_algebra", "mmlu_math", "math"),
        ("routellm", "mmlu:professional_law", "mmlu_professional_law", "knowledge"),
        ("routerbench", "mmlu-formal-logic", "mmlu_formal_logic", "reasoning"),
        ("routerbench", "grade-school-math", "word_problems", "math"), ("llmrouter", "math", "competition_math", "math"),
        ("llmrouter", "arc_challenge", "basic_science", "science"), ("alpacaeval", "koala", "open", "writing"),
    ],
)  # fmt: skip
def test_labels_of_different_suites_lead_to_the_same_topics(suite: str, task: str, topic: str, family: str) -> None:
    found = topic_of({"suite": suite, "task": task})
    assert (found, family_of(found)) == (topic, family)


def test_folds_follow_the_hash_of_the_question() -> None:
    assert {fold_of({"h": f"{number:x}"}) for number in range(0, 500, 7)} == set(range(FOLDS))
    assert fold_of({"h": "10a"}) == fold_of({"h": "10a"}) == 0x10A // 10 % FOLDS


def test_a_row_becomes_the_prompt_that_a_request_would_be() -> None:
    prompt = prompt_of_row({"prompt": "What is the weather?", "tools": ["get_weather"], "tools_chars": 300, "task": "secret", "models": {}})
    assert (prompt.text, prompt.tools, prompt.tools_chars, prompt.chars) == ("What is the weather?", ("get_weather",), 300, 20)

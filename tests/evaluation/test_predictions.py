"""Predictions for the benchmark: what evaluate.py looks up is there, and nothing is read that a request would not have."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from libs.classifier.classifier import Classifier
from tests.evaluation.predictions import Predictor, lines, request_of

CLASSIFIER = Classifier.load()
EASY = "Tom has 5 apples and buys 3 more. How many apples does he have?"


def row(suite: str, models: list[str], prompt: str = EASY, **fields: Any) -> dict[str, Any]:
    outcomes = {model: [1.0, 100, 0.001, None] for model in models}
    return {"id": f"{suite}-1", "suite": suite, "task": "t", "h": "00", "prompt": prompt, "n_in": 20, "models": outcomes, **fields}


def models_of(suite: str) -> list[str]:
    return CLASSIFIER.header.pools[suite].models


@pytest.mark.parametrize("suite", ["mmlupro", "zeroeval", "bfcl"])
def test_a_row_of_the_mix_has_the_names_of_both(suite: str) -> None:
    [line] = lines(Predictor(CLASSIFIER, {}), [row(suite, models_of(suite))])
    wanted = {*models_of(suite), *models_of("mix")}
    assert set(line["scores"]) == wanted
    assert set(line["cost"]) == wanted
    assert all(0 <= score <= 1 for score in line["scores"].values())
    assert all(cost > 0 for cost in line["cost"].values())


@pytest.mark.parametrize("suite", ["routellm", "routerbench", "llmrouter", "alpacaeval"])
def test_other_suites_have_their_own(suite: str) -> None:
    [line] = lines(Predictor(CLASSIFIER, {}), [row(suite, models_of(suite))])
    assert set(line["scores"]) == set(models_of(suite))


def test_models_that_dev_does_not_have_are_judged_by_what_was_published() -> None:
    [line] = lines(Predictor(CLASSIFIER, {}), [row("arena809", ["claude-3-haiku-20240307", "gemini-2.0-flash-001"])])
    assert line["scores"]["gemini-2.0-flash-001"] > line["scores"]["claude-3-haiku-20240307"]
    assert line["cost"]["gemini-2.0-flash-001"] < line["cost"]["claude-3-haiku-20240307"]


def test_a_model_without_any_price_means_no_costs() -> None:
    [line] = lines(Predictor(CLASSIFIER, {}), [row("new", ["one-nobody-knows", "another"])])
    assert set(line["scores"]) == {"one-nobody-knows", "another"}
    assert "cost" not in line


def test_prices_of_the_folder_go_over_those_of_the_model_file() -> None:
    models = models_of("bfcl")
    [usual] = lines(Predictor(CLASSIFIER, {}), [row("bfcl", models)])
    [dear] = lines(Predictor(CLASSIFIER, {"prices_usd_per_mtok": {"gemini-1.5-pro": [1250, 5000]}}), [row("bfcl", models)])
    assert dear["cost"]["gemini-1.5-pro"] > 500 * usual["cost"]["gemini-1.5-pro"]


def test_outcome_and_label_are_not_read() -> None:
    given = row("bfcl", models_of("bfcl"), tools=["get_weather"], n_tools=1, tools_chars=300)
    other = given | {"task": "other", "n_in": 9, "h": "ff", "models": {model: [0.0, 1, 9.0, None] for model in given["models"]}}
    assert set(request_of(given)) == {"prompt", "tools", "n_tools", "tools_chars", "models"}
    assert list(lines(Predictor(CLASSIFIER, {}), [given])) == list(lines(Predictor(CLASSIFIER, {}), [other]))


def test_the_command_writes_held_out_predictions_from_the_shipped_file_alone(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "zeroeval.heldout.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(row("zeroeval", models_of("zeroeval"))) + "\n")
    out = tmp_path / "predictions.jsonl"
    subprocess.run([sys.executable, "-m", "tests.evaluation", str(tmp_path), "heldout", str(out)], check=True, capture_output=True, text=True)
    [line] = map(json.loads, out.read_text().splitlines())
    assert line["id"] == "zeroeval-1"
    assert set(models_of("mix")) <= set(line["scores"])

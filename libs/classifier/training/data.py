"""The recorded outcomes, see the data card beside them: prompts, and per model a score, output tokens and cost."""

import gzip
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from libs.classifier.prompt import Prompt, sampled

Row = dict[str, Any]
Array = NDArray[Any]
SUITES = ("mmlupro", "zeroeval", "bfcl", "routellm", "routerbench", "llmrouter", "alpacaeval")
MIX = "mix"
FOLDS = 5


class Outcomes(Struct, frozen=True):
    """A pool of models on the prompts that all of them answered."""

    models: list[str]
    rows: Array
    """Index of each prompt among all rows, shape (prompts,)."""
    weight: Array
    """Shape (prompts,), sum 1; the sources of the mix count alike."""
    score: Array
    """0..1, shape (prompts, models)."""
    tokens: Array
    """Visible output, shape (prompts, models)."""
    usd_per_mtok: list[tuple[float, float] | None]


def files(folder: Path, split: str) -> list[Path]:
    """The files of a split that are there."""
    return sorted(folder.glob(f"*.{split}.jsonl.gz"))


def checksums(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in [*files(folder, "dev"), folder / "models.json"]}


def rows_of(folder: Path, split: str) -> list[Row]:
    """All rows of a split, suite after suite."""
    found: list[Row] = []
    for path in files(folder, split):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += map(json.loads, lines)
    return found


def fold_of(row: Row) -> int:
    """0..FOLDS-1, by the hash of the question's stem; the last digit has already split dev from held out."""
    return int(row["h"], 16) // 10 % FOLDS


def prompt_of_row(row: Row) -> Prompt:
    """A row in the form in which the classifier gets a request; reads nothing but what the request would have."""
    return Prompt(
        text=sampled(row["prompt"]), chars=len(row["prompt"]), tools=tuple(row.get("tools", ())), tools_chars=row.get("tools_chars", 0)
    )


def pools_of(rows: list[Row], meta: dict[str, Any]) -> dict[str, Outcomes]:
    """Outcomes by suite, and those of the mix, whose models stand for one version in each of its suites."""
    suites = np.array([row["suite"] for row in rows])
    result: dict[str, Outcomes] = {}
    for suite in dict.fromkeys(suites.tolist()):
        index = np.flatnonzero(suites == suite)
        names = sorted(rows[index[0]]["models"])
        result[suite] = _outcomes(rows, index, names, [names] * len(index), np.full(len(index), 1 / len(index)), meta)
    mixed = np.flatnonzero(np.isin(suites, meta["mix_suites"]))
    each = [[versions[rows[at]["suite"]] for versions in meta["mix"].values()] for at in mixed]
    weight = np.array([1 / (suites == suites[at]).sum() for at in mixed])
    result[MIX] = _outcomes(rows, mixed, list(meta["mix"]), each, weight / weight.sum(), meta)
    return result


def _outcomes(rows: list[Row], index: Array, models: list[str], names: list[list[str]], weight: Array, meta: dict[str, Any]) -> Outcomes:
    values = np.array([[rows[at]["models"][name][:2] for name in given] for at, given in zip(index, names, strict=True)], np.float32)
    listed = [meta["prices_usd_per_mtok"].get(name) for name in names[0]]
    prices = [None if price is None else (float(price[0]), float(price[1])) for price in listed]
    return Outcomes(models, index, weight.astype(np.float32), values[..., 0], values[..., 1], prices)

"""`make eval-routing DATA=<folder> SPLIT=<dev|heldout> OUT=<file>`: predictions for the benchmark's evaluate.py.

The shipped model has seen dev, so dev is cross-fitted: each fold by a model of the other four, fitted here. Held out is by the shipped file.
"""

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from libs.classifier.classifier import Classifier
from libs.classifier.modelfile import PATH
from libs.contracts.reading import FAMILIES
from tests.evaluation.predictions import Predictor, Row, lines, write

PROCESSES = 2
_task: Callable[[int], list[Row]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("split", choices=("dev", "heldout"))
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--priors", action="store_true", help="dev: of each model only its mean by family is known, as of the catalog's")
    given = arguments.parse_args()
    meta = json.loads((given.data / "models.json").read_text()) if (given.data / "models.json").exists() else {}
    if given.split == "dev":
        found = cross_fitted(given.data, meta, by_priors=given.priors)
    else:
        from libs.classifier.training.data import rows_of

        found = list(lines(Predictor(Classifier.load(PATH), meta), rows_of(given.data, given.split)))
    if not found:
        raise SystemExit(f"{given.data} has no *.{given.split}.jsonl.gz")
    print(f"{write(given.out, found)} predictions in {given.out}")


def cross_fitted(folder: Path, meta: dict[str, Any], *, by_priors: bool = False) -> list[Row]:
    """Predictions for dev, in the order of its rows."""
    # Fitting needs scipy, serving does not.
    from libs.classifier.training.data import FOLDS, fold_of, pools_of, rows_of
    from libs.classifier.training.fit import features_of, fit

    rows = rows_of(folder, "dev")
    features = features_of(rows)
    folds = np.array([fold_of(row) for row in rows])

    def one(fold: int) -> list[Row]:
        seen, new = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        classifier = Classifier(*fit(rows, features, seen, meta, folder, f"fold {fold}"))
        known = [rows[at] for at in seen]
        priors = {name: family_means(known, pool) for name, pool in pools_of(known, meta).items()} if by_priors else None
        return list(lines(Predictor(classifier, meta, priors), [rows[at] for at in new]))

    # Forked, so that the processes share the rows.
    with ProcessPoolExecutor(PROCESSES, get_context("fork"), initializer=_hold, initargs=(one,)) as pool:
        found = {line["id"]: line for answer in pool.map(_run, range(FOLDS)) for line in answer}
    return [found[row["id"]] for row in rows]


def _hold(task: Callable[[int], list[Row]]) -> None:
    global _task
    _task = task


def _run(fold: int) -> list[Row]:
    return _task(fold)


def family_means(rows: list[Row], pool: Any) -> list[tuple[float, ...]]:
    """The mean score of each of a pool's models by family; where the pool has no prompt of a family, over all."""
    from libs.classifier.training.topics import family_of, topic_of

    families = np.array([family_of(topic_of(rows[at])) for at in pool.rows])
    everywhere = (pool.weight[:, None] * pool.score).sum(axis=0)
    each = [pool.score[families == family].mean(axis=0) if (families == family).any() else everywhere for family in FAMILIES]
    return [tuple(map(float, prior)) for prior in np.stack(each).T]


if __name__ == "__main__":
    main()

"""Predictions for recorded prompts, in the form that the benchmark's evaluate.py reads, by the code that serves live traffic."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from libs.classifier.classifier import Classifier
from libs.classifier.prompt import Prompt, sampled
from libs.classifier.quality import abilities, ability_of, quality
from libs.classifier.reference import CHARS_PER_TOKEN, Reference, pool_of
from libs.contracts.reading import FAMILIES, Reading

Row = dict[str, Any]
MIX = "mix"
# Quality by family of models that dev has no outcomes of, in the order of FAMILIES: editorial estimates, close to what is generally reported of
# them. The scale is that of the catalog.
PRIORS = {
    "claude-3-haiku-20240307": (0.66, 0.58, 0.45, 0.66, 0.65, 0.60, 0.55),
    "gemini-2.0-flash-001": (0.85, 0.86, 0.65, 0.78, 0.80, 0.75, 0.80),
}
PRICES = {"claude-3-haiku-20240307": (0.25, 1.25), "gemini-2.0-flash-001": (0.1, 0.4)}
UNKNOWN_PRIOR = 0.6


def request_of(row: Row) -> Row:
    """What a router may see of a row; as `request` of evaluate.py."""
    return {
        "prompt": row["prompt"], "tools": row.get("tools", []), "n_tools": row.get("n_tools", 0), "tools_chars": row.get("tools_chars", 0),
        "models": sorted(row["models"]),
    }  # fmt: skip


class Predictor:
    """One classifier, and the models it was fitted with."""

    def __init__(self, classifier: Classifier, meta: dict[str, Any], priors: Mapping[str, list[tuple[float, ...]]] | None = None) -> None:
        """`priors`, by pool and for each of its models, take the place of the fitted abilities."""
        self._classifier = classifier
        self._priors = {name: abilities([ability_of(prior) for prior in each]) for name, each in (priors or {}).items()}
        self._pools = {name: Reference(classifier, name) for name in classifier.header.pools}
        self._listed: dict[str, tuple[float, float]] = meta.get("prices_usd_per_mtok", {})
        self._mixed = set(meta.get("mix_suites", ("mmlupro", "zeroeval", "bfcl")))

    def predict(self, request: Row) -> Row:
        """`scores` and, where all prices are known, `cost`, by model; with the names of the mix where the pool is part of it."""
        prompt = Prompt(
            text=sampled(request["prompt"]), chars=len(request["prompt"]), tools=tuple(request["tools"]), tools_chars=request["tools_chars"]
        )
        reading = self._classifier.read(prompt, {})
        pool = pool_of(self._classifier, request["models"])
        if pool is None:
            return self._by_priors(request["models"], prompt, reading)
        found = self._measured(pool, prompt, reading)
        if pool in self._mixed:
            mixed = self._measured(MIX, prompt, reading)
            found = {key: found[key] | mixed[key] for key in found if key in mixed}
        return found

    def _measured(self, name: str, prompt: Prompt, reading: Reading) -> Row:
        reference = self._pools[name]
        names = reference.pool.models
        listed = [self._listed.get(model, price) for model, price in zip(names, reference.pool.usd_per_mtok, strict=True)]
        scores = (quality(reading, self._priors[name]) if name in self._priors else reference.qualities(reading)).tolist()
        costs = reference.costs(prompt, reading, [None if price is None else (price[0], price[1]) for price in listed])
        return _line(names, scores, costs)

    def _by_priors(self, models: list[str], prompt: Prompt, reading: Reading) -> Row:
        """Of models that dev has no outcomes of only what was published is known, as of the catalog's."""
        priors = [PRIORS.get(model, (UNKNOWN_PRIOR,) * len(FAMILIES)) for model in models]
        scores = quality(reading, abilities([ability_of(prior) for prior in priors])).tolist()
        listed = [self._listed.get(model, PRICES.get(model)) for model in models]
        if None in listed:
            return _line(models, scores, None)
        size = (prompt.chars + prompt.tools_chars) / CHARS_PER_TOKEN
        return _line(models, scores, [(size * price[0] + reading.output_tokens * price[1]) / 1e6 for price in listed if price is not None])


def _line(models: list[str], scores: list[float], costs: list[float] | None) -> Row:
    found: Row = {"scores": {model: round(score, 5) for model, score in zip(models, scores, strict=True)}}
    if costs is not None:
        found["cost"] = {model: float(f"{cost:.5g}") for model, cost in zip(models, costs, strict=True)}
    return found


def lines(predictor: Predictor, rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        yield {"id": row["id"], **predictor.predict(request_of(row))}


def write(path: Path, found: Iterable[Row]) -> int:
    """Writes JSON lines; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for line in found:
            file.write(json.dumps(line) + "\n")
            count += 1
    return count

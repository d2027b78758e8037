"""Fits a model: topics by softmax regression, each pool's quality and length in each topic, and what is left by a low-rank ridge."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from msgspec import Struct
from scipy import sparse

from libs.classifier.classifier import FAR, SHORTEST
from libs.classifier.features import BITS, MEASURES, buckets, hashed, measures, tokens, without_options
from libs.classifier.modelfile import Arrays, Header, Pool, Topic
from libs.classifier.prompt import Prompt
from libs.classifier.training.data import MIX, Array, Outcomes, Row, checksums, pools_of, prompt_of_row
from libs.classifier.training.linear import Sparse, fit_topics, ridge, softmax
from libs.classifier.training.topics import family_of, topic_of

LATENTS = 24
_SEEN_IN = 3
"""Prompts that a bucket or a word has to be in to count."""
_KNOWN_BITS = 20
_BARE_EACH, _BARE_COUNTS = 3, 0.3
"""Of the questions with options every third is also learned without them, with this weight."""
_INNER = 3
_PRIOR_ROWS = 10.0
"""So many prompts does the guess for a topic weigh that a pool has little of."""
_COMMON_PENALTY = 5.0
_BELIEVED = {"zeroeval": (20.0, 0.3), "routerbench": (20.0, 0.0), "alpacaeval": (20.0, 0.3), "routellm": (10.0, 1.0)}
_ELSEWHERE = (20.0, 0.6)
"""By pool, the penalty of the ridge and how much of its answer is believed. Chosen on cross-fitted dev."""
_LENGTHS_FROM = ("mmlupro", "zeroeval", "bfcl", "alpacaeval")
"""The suites whose answers have their natural length."""
_TOKENS_UNKNOWN = 120.0


class Features(Struct, frozen=True):
    """All prompts as numbers, before anything is fitted."""

    words: Sparse
    """Shape (prompts, buckets), ones."""
    measures: Array
    known: Array
    """Whether enough prompts have a word, by its hash."""
    bare: Sparse
    """Questions without the options to choose from, for people do not ask in the form of exams."""
    bare_measures: Array
    bare_of: Array
    """Which prompt each of these was made of."""


def features_of(rows: list[Row]) -> Features:
    prompts = [prompt_of_row(row) for row in rows]
    seen: Counter[int] = Counter()
    for prompt in prompts:
        seen.update({crc32(word) % (1 << _KNOWN_BITS) for word in tokens(prompt.text) if word.isalpha()})
    known = np.zeros(1 << _KNOWN_BITS, np.uint8)
    known[[word for word, count in seen.items() if count >= _SEEN_IN]] = 1
    stems = {at: stem for at, prompt in enumerate(prompts) if at % _BARE_EACH == 0 and (stem := without_options(prompt.text)) != prompt.text}
    bare = [Prompt(text=stem, chars=len(stem)) for stem in stems.values()]
    return Features(*_numbers(prompts), known, *_numbers(bare), np.array(list(stems)))


def _numbers(prompts: list[Prompt]) -> tuple[Sparse, Array]:
    found: list[Array] = []
    measured = np.zeros((len(prompts), MEASURES), np.float32)
    for at, prompt in enumerate(prompts):
        words = tokens(prompt.text)
        found.append(buckets(words, hashed(words), prompt.tools))
        measured[at] = measures(prompt, words)
    pointers = np.concatenate([[0], np.cumsum([len(one) for one in found])])
    ones = np.ones(pointers[-1], np.float32)
    return sparse.csr_matrix((ones, np.concatenate(found), pointers), shape=(len(prompts), 1 << BITS)), measured


def fit(rows: list[Row], features: Features, chosen: Array, meta: dict[str, Any], folder: Path, command: str) -> tuple[Header, Arrays]:
    """A model of the chosen rows (indexes)."""
    rows = [rows[at] for at in chosen]
    rarity = _rarity(features.words[chosen])
    words = _unit(features.words[chosen], rarity)
    centre, spread = features.measures[chosen].mean(axis=0), features.measures[chosen].std(axis=0) + 1e-6
    told = _standard(features.measures[chosen], centre, spread)
    labels = [topic_of(row) for row in rows]
    names = sorted(set(labels))
    topic = np.array([names.index(label) for label in labels])
    weight = np.array([2.0 if row["suite"] == "bfcl" else 1.0 for row in rows], np.float32)
    also = np.isin(features.bare_of, chosen)
    bare_topic = topic[np.searchsorted(chosen, features.bare_of[also])]
    by_word, by_measure, bias = fit_topics(
        sparse.vstack([words, _unit(features.bare[also], rarity)]).tocsr(),
        np.concatenate([told, _standard(features.bare_measures[also], centre, spread)]),
        np.concatenate([topic, bare_topic]), np.concatenate([weight, np.full(len(bare_topic), _BARE_COUNTS, np.float32)]), len(names),
    )  # fmt: skip
    shares = _out_of_fold(words, told, topic, weight, len(names))
    mostly = (np.eye(len(names), dtype=np.float32)[topic] + shares) / 2
    pools = pools_of(rows, meta)
    quality = {name: _by_topic(pool, pool.score, mostly) for name, pool in pools.items()}
    length = {name: _by_topic(pool, np.log(pool.tokens + SHORTEST), mostly) for name, pool in pools.items()}
    rest = {name: _rest(name, pool, pool.score - shares[pool.rows] @ quality[name], words) for name, pool in pools.items()}
    easier = _easier(pools, quality, shares, words)
    latent, turned = _low_rank(words, np.concatenate([rest[name] for name in pools], axis=1))
    weights, steps = _small(np.concatenate([by_word, easier, latent], axis=1))
    arrays: Arrays = {
        "weights": weights, "steps": steps, "rarity": rarity.astype(np.float32),
        "by_measure": np.pad(by_measure, ((0, 0), (0, 1 + LATENTS))).astype(np.float32),
        "bias": np.pad(bias, (0, 1 + LATENTS)).astype(np.float32),
        "centre": centre.astype(np.float32), "spread": spread.astype(np.float32), "known": np.packbits(features.known),
    }  # fmt: skip
    at = 0
    for name, pool in pools.items():
        size = len(pool.models)
        prior = (pool.weight[:, None] * pool.score).sum(axis=0, keepdims=True)
        own = [quality[name], turned[:, at : at + size], prior]
        arrays[f"ability/{name}"] = np.concatenate(own).T.astype(np.float32)
        arrays[f"length/{name}"] = length[name].T.astype(np.float32)
        at += size
    today = datetime.now(UTC).date().isoformat()
    header = Header(
        version=today.replace("-", "."), trained=today, command=command, data=checksums(folder), bits=BITS, measures=MEASURES,
        latents=LATENTS, topics=_described(names, pools, quality, length, mostly), known=0.6, arrays=[], sha256="",
        pools={name: Pool(pool.models, pool.usd_per_mtok) for name, pool in pools.items()},
    )
    return header, arrays


def _rarity(ones: Sparse) -> Array:
    """How rare each bucket is."""
    within = np.asarray(ones.sum(axis=0)).ravel()
    return np.where(within >= _SEEN_IN, np.log(ones.shape[0] / np.maximum(within, 1)), 0).astype(np.float32)


def _unit(ones: Sparse, rarity: Array) -> Sparse:
    """Prompts as unit vectors of rarity."""
    words = (ones @ sparse.diags(rarity)).tocsr()
    words.eliminate_zeros()
    sizes = np.sqrt(np.asarray(words.multiply(words).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.maximum(sizes, 1e-6)) @ words).tocsr().astype(np.float32)


def _standard(measured: Array, centre: Array, spread: Array) -> Array:
    return np.clip((measured - centre) / spread, -FAR, FAR).astype(np.float32)


def _out_of_fold(words: Sparse, told: Array, topic: Array, weight: Array, topics: int) -> Array:
    """Topic shares of each row from a fit that has not seen it: what the classifier will say of new prompts."""
    part = np.random.default_rng(1).integers(0, _INNER, len(topic))
    shares = np.zeros((len(topic), topics), np.float32)
    for inner in range(_INNER):
        seen, new = part != inner, part == inner
        by_word, by_measure, bias = fit_topics(words[seen], told[seen], topic[seen], weight[seen], topics, epochs=5)
        shares[new] = softmax(words[new] @ by_word + told[new] @ by_measure + bias)
    return shares


def _by_topic(pool: Outcomes, values: Array, shares: Array) -> Array:
    """Mean value of each model in each topic, shape (topics, models), drawn to what the other models do there."""
    each = shares[pool.rows] * (pool.weight * len(pool.weight))[:, None]
    count, total = each.sum(axis=0)[:, None], each.T @ values
    mean = (pool.weight[:, None] * values).sum(axis=0)
    harder = (total - count * mean).sum(axis=1, keepdims=True) / (values.shape[1] * (count + 4 * _PRIOR_ROWS))
    low, high = values.min(), values.max()
    return (total + _PRIOR_ROWS * np.clip(mean + harder, low, high)) / (count + _PRIOR_ROWS)  # type: ignore[no-any-return]


def _rest(name: str, pool: Outcomes, rest: Array, columns: Sparse) -> Array:
    """Weights for what topics leave of the differences between the models of a pool."""
    mean = (pool.weight[:, None] * rest).sum(axis=0)
    between = rest - mean
    between -= between.mean(axis=1, keepdims=True)
    root = np.sqrt(pool.weight * len(pool.weight)).astype(np.float32)
    scaled = (sparse.diags(root) @ columns[pool.rows]).tocsr().astype(np.float32)
    penalty, believed = _BELIEVED.get(name, _ELSEWHERE)
    return believed * ridge(scaled, between * root[:, None], penalty)


def _easier(pools: dict[str, Outcomes], quality: dict[str, Array], shares: Array, columns: Sparse) -> Array:
    """Weights for how much better than in its topics all models are at a prompt."""
    total, count = np.zeros(columns.shape[0]), np.zeros(columns.shape[0])
    for name, pool in pools.items():
        if name not in (MIX, "alpacaeval"):
            total[pool.rows] += (pool.score - shares[pool.rows] @ quality[name]).mean(axis=1)
            count[pool.rows] += 1
    target = (total / np.maximum(count, 1)).astype(np.float32)
    return ridge(columns, (target - target.mean())[:, None], _COMMON_PENALTY)


def _low_rank(columns: Sparse, weights: Array) -> tuple[Array, Array]:
    """LATENTS columns whose mixtures, shape (latents, models), come closest to what `weights` say of the prompts."""
    said = columns @ weights
    _, vectors = np.linalg.eigh(said.T @ said)
    best = vectors[:, ::-1][:, :LATENTS]
    return weights @ best, best.T


def _small(weights: Array) -> tuple[Array, Array]:
    """As float16, each column divided by a step, so that no number is too small for it."""
    steps = np.abs(weights).max(axis=0) + 1e-12
    return (weights / steps).astype(np.float16), steps.astype(np.float32)


def _described(
    names: list[str], pools: dict[str, Outcomes], quality: dict[str, Array], length: dict[str, Array], shares: Array
) -> list[Topic]:
    """Family, difficulty and length of the topics."""
    families = [family_of(name) for name in names]
    count = {name: shares[pool.rows].sum(axis=0) for name, pool in pools.items()}
    measured = [name for name in pools if name not in (MIX, "alpacaeval")]
    odds = {name: _logit(quality[name].mean(axis=1)) for name in measured}
    harder, weight = np.zeros(len(names)), sum(count[name] for name in measured)
    level = dict.fromkeys(measured, 0.0)
    for _ in range(20):
        for name in measured:
            level[name] = float((count[name] * (odds[name] + harder)).sum() / count[name].sum())
        harder = sum(count[name] * (level[name] - odds[name]) for name in measured) / (weight + 20.0)
    long = [name for name in _LENGTHS_FROM if name in pools]
    tokens_count = sum(count[name] for name in long)
    tokens_mean = (sum(count[name] * length[name].mean(axis=1) for name in long) + 20 * np.log(_TOKENS_UNKNOWN)) / (tokens_count + 20)
    result: list[Topic] = []
    for at, (name, family) in enumerate(zip(names, families, strict=True)):
        same = np.array([other == family for other in families])
        average = float((weight * harder)[same].sum() / max(weight[same].sum(), 1e-9))
        result.append(Topic(name, family, round(float(np.clip(harder[at] - average, -2, 2)), 3), round(float(tokens_mean[at]), 3)))
    return result


def _logit(share: Array) -> Array:
    within = np.clip(share, 0.02, 0.98)
    return np.log(within / (1 - within))  # type: ignore[no-any-return]



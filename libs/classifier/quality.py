"""What quality to expect of a model for a prompt: the product of the model's ability and the prompt's demand.

A demand is, first, how much easier the prompt is than its topics; then its share of each topic of the model file; then some latent numbers,
which say how it differs from its topics. An ability is the model's quality in each topic, then how it goes with each latent number, and last
its quality where nothing is known of the prompt.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libs.classifier.modelfile import Topic, header_of
from libs.contracts.reading import FAMILIES, Reading

Ability = NDArray[np.float32]
"""Shape (topics + latents + 1,), 0..1 but for the latents."""
Abilities = NDArray[np.float32]
"""Abilities of several models, one a row."""
_HALF = np.dtype("<f2")
_NO_DEMAND = np.zeros(0, np.float32)
_LEAST, _MOST = 0.02, 0.98
MOST_EASIER = 0.25
"""Up to here the shift by it stays within 0..1 and never turns two models around. It is the slope of a logistic curve: an easy prompt helps the
weak models most, a hard one costs the strong ones least."""


def abilities(each: Sequence[Ability]) -> Abilities:
    """Several models in the form that `quality` takes. Worth keeping: it only changes with the priors."""
    return np.stack(each) if each else np.zeros((0, 1), np.float32)


def quality(reading: Reading | None, models: Abilities) -> NDArray[np.float32]:
    """Expected quality of each model, 0..1; without a reading, or with one that is not sure, the models' plain priors."""
    demand = unpacked(reading.demand) if reading is not None else _NO_DEMAND
    if len(demand) != models.shape[1]:
        return models[:, -1]
    level = np.clip(models[:, :-1] @ demand[1:], 0.0, 1.0)
    shifted: NDArray[np.float32] = level + 4 * min(max(float(demand[0]), -MOST_EASIER), MOST_EASIER) * level * (1 - level)
    return shifted


def packed(demand: NDArray[Any]) -> bytes:
    """As it travels and stands in the ledger: 97 floats of the shipped model are 1 KB in full, and 194 bytes so."""
    return demand.astype(_HALF).tobytes()


def unpacked(demand: bytes) -> NDArray[np.float32]:
    """The numbers again. What is decided by is what travels, so that it can be decided again."""
    return np.frombuffer(demand, _HALF).astype(np.float32)


def ability_of(by_family: Sequence[float]) -> Ability:
    """The ability of a model of which only quality priors are known, 0..1, in the order of FAMILIES.

    As in item response theory: in a topic that is harder than the average of its family, every model loses, the weak ones more.
    """
    return _ability_of(tuple(by_family))


@lru_cache(maxsize=4096)
def _ability_of(by_family: tuple[float, ...]) -> Ability:
    if len(by_family) != len(FAMILIES):
        raise ValueError(f"{len(by_family)} priors for {len(FAMILIES)} families")
    topics, latents = _scale()
    prior = dict(zip(FAMILIES, by_family, strict=True))
    known = np.array([prior[topic.family] for topic in topics])
    within = np.clip(known, _LEAST, _MOST)
    odds = np.log(within / (1 - within)) - np.array([topic.difficulty for topic in topics])
    mean = sum(by_family) / len(by_family)
    result = np.zeros(len(topics) + latents + 1, np.float32)
    result[: len(topics)] = 1 / (1 + np.exp(-odds))
    result[-1] = mean
    result.setflags(write=False)
    return result


@cache
def _scale() -> tuple[list[Topic], int]:
    header = header_of()
    return header.topics, header.latents

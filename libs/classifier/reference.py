"""The models that the training data has measured: the same product of ability and demand as for the catalog's, with fitted abilities."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from libs.classifier.classifier import SHORTEST, USUAL_TOKENS, Classifier
from libs.classifier.modelfile import Pool
from libs.classifier.prompt import Prompt
from libs.classifier.quality import Abilities, quality, unpacked
from libs.contracts.reading import Reading

CHARS_PER_TOKEN = 4


class Reference:
    """A pool of measured models."""

    def __init__(self, classifier: Classifier, name: str) -> None:
        self.pool: Pool = classifier.header.pools[name]
        self._abilities: Abilities = classifier.arrays[f"ability/{name}"]
        self._length = classifier.arrays[f"length/{name}"]

    def qualities(self, reading: Reading) -> NDArray[np.float32]:
        """Expected quality of each model, 0..1."""
        return quality(reading, self._abilities)

    def output_tokens(self, reading: Reading) -> NDArray[np.float32]:
        """Expected visible output of each model."""
        if not reading.demand:
            return np.full(len(self._length), float(USUAL_TOKENS), np.float32)
        shares = unpacked(reading.demand)[1 : 1 + self._length.shape[1]]
        return np.maximum(np.exp(self._length @ shares) - SHORTEST, 1.0)  # type: ignore[no-any-return]

    def costs(self, prompt: Prompt, reading: Reading, prices: Sequence[tuple[float, float] | None]) -> list[float] | None:
        """Expected USD of each model at input and output list prices per million tokens; None when one has no price."""
        input_tokens = math.ceil((prompt.chars + prompt.tools_chars) / CHARS_PER_TOKEN)
        result: list[float] = []
        for price, output_tokens in zip(prices, self.output_tokens(reading).tolist(), strict=True):
            if price is None:
                return None
            result.append((input_tokens * price[0] + output_tokens * price[1]) / 1e6)
        return result


def pool_of(classifier: Classifier, models: Sequence[str]) -> str | None:
    """The pool that has exactly these models."""
    wanted = set(models)
    return next((name for name, pool in classifier.header.pools.items() if set(pool.models) == wanted), None)

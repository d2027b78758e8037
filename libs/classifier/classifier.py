"""Reads a prompt: two sparse sums over its words, a softmax, and a look at whether the words are known at all. Pure and local."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from libs.classifier.cues import cues, named_family
from libs.classifier.features import BITS, MEASURES, buckets, hashed, is_exam, measures, tokens
from libs.classifier.modelfile import PATH, Arrays, Header, ModelFileError, read
from libs.classifier.prompt import Prompt
from libs.classifier.quality import packed
from libs.contracts.reading import FAMILIES, Family, Reading

SHORTEST = 4
"""Added to a length before its logarithm is taken, so that one-word answers do not weigh too much."""
USUAL_TOKENS = 250
"""Visible output of a prompt that is not read."""
_INSTRUCTIONS_COUNT = 0.3
"""Of a word in the instructions, against 1 for a word of the task."""
_HINT = 0.9
"""The share of a family that metadata names, at least."""
_CLEAR = 0.8
"""Share of what only exams ask; above it the prompt's own words change nothing."""
_SMALL = 0.005
"""A share of a topic below this is left out."""
_ENOUGH = 200
"""Tokens by which it is told whether a prompt can be read."""
_ASCII = 127
"""Every byte of another letter is a token of its own; most letters have two, and signs and numbers say nothing of the language."""
FAR = np.float32(4)
"""Standard deviations beyond which a measure counts no more."""


class Classifier:
    """A model file in memory, 15 MB; loads in 20 ms."""

    def __init__(self, header: Header, arrays: Arrays) -> None:
        self.header = header
        self.arrays = arrays
        self._topics = len(header.topics)
        self._weights = arrays["weights"].astype(np.float32) * arrays["steps"]
        self._rarity = arrays["rarity"].astype(np.float32)
        self._by_measure, self._bias = arrays["by_measure"], arrays["bias"]
        self._centre, self._spread = arrays["centre"], arrays["spread"]
        self._known = np.unpackbits(arrays["known"])
        self._mask = np.uint64(len(self._known) - 1)
        self._difficulty = np.array([topic.difficulty for topic in header.topics], np.float32)
        self._tokens = np.array([topic.tokens for topic in header.topics], np.float32)
        self._families = np.array([[topic.family == family for family in FAMILIES] for topic in header.topics], np.float32)

        exams = [topic.family not in ("writing", "knowledge") for topic in header.topics]
        self._of_exams = np.array(exams, np.float32)

    @classmethod
    def load(cls, path: Path = PATH) -> Self:
        """Raises ModelFileError."""
        header, arrays = read(path)
        if (header.bits, header.measures) != (BITS, MEASURES):
            raise ModelFileError(f"{path}: made for other features than this code has; run make train-routing")
        return cls(header, arrays)

    def read(self, prompt: Prompt, metadata: Mapping[str, str]) -> Reading:
        """What the prompt asks for; the no-prompt answer, with its reason, where the prompt is not of a kind that was trained on."""
        words = tokens(prompt.text)
        hashes = hashed(words)
        named = named_family(metadata) if metadata else None
        hints = {named: _HINT} if named is not None else self._cues(prompt, words)
        sure, because = self._sureness(prompt.text, words, hashes)
        if because:
            return self._unread(sure, because, hints)
        scores = self._scores(prompt, words, hashes)
        shares = np.exp(scores[: self._topics] - scores[: self._topics].max())
        shares /= shares.sum()
        if hints and (named is not None or float(shares @ self._of_exams) < _CLEAR):
            shares = self._hinted(shares, hints)
        shares[shares < _SMALL] = 0.0
        shares /= shares.sum()
        families = (shares @ self._families).tolist()
        harder = float(shares @ self._difficulty) - 4 * float(scores[self._topics])
        return Reading(
            version=self.header.version,
            families={family: round(share, 3) for family, share in zip(FAMILIES, families, strict=True) if share >= _SMALL},
            difficulty=round(1 / (1 + math.exp(-harder)), 3),
            output_tokens=max(1, round(math.exp(float(shares @ self._tokens)) - SHORTEST)),
            demand=packed(np.concatenate((scores[self._topics : self._topics + 1], shares, scores[self._topics + 1 :]))),
            sure=sure,
        )

    @staticmethod
    def _cues(prompt: Prompt, words: list[bytes]) -> dict[Family, float]:
        """How strongly the prompt's own words name a family. Exams and tools are what the model was trained on."""
        return {} if prompt.tools or is_exam(prompt.text) else cues(prompt.text, words)

    def _hinted(self, shares: NDArray[Any], hints: dict[Family, float]) -> NDArray[Any]:
        """The strongest hint says how much is moved; what is moved is shared out by strength, and within a family as it was."""
        strongest, total = max(hints.values()), sum(strength**2 for strength in hints.values())
        result = (1 - strongest) * shares
        for family, strength in hints.items():
            within = shares * self._families[:, FAMILIES.index(family)]
            result += strongest * strength**2 / total * within / max(float(within.sum()), 1e-12)
        return result

    def _scores(self, prompt: Prompt, words: list[bytes], hashes: NDArray[np.uint64]) -> NDArray[Any]:
        found = buckets(words, hashes, prompt.tools)
        rarity = self._rarity[found]
        size = np.float32(math.sqrt(float(rarity @ rarity)) or 1.0)
        told = np.clip((measures(prompt, words) - self._centre) / self._spread, -FAR, FAR)
        scores = (rarity / size) @ self._weights[found] + told @ self._by_measure + self._bias
        if prompt.instructions:
            said = tokens(prompt.instructions)
            beside = buckets(said, hashed(said), ())
            scores += (self._rarity[beside] * (np.float32(_INSTRUCTIONS_COUNT) / size)) @ self._weights[beside]
        return scores

    def _sureness(self, text: str, words: list[bytes], hashes: NDArray[np.uint64]) -> tuple[float, str]:
        """0..1, and what speaks against reading it."""
        if not words:
            return 0.0, "there is no text"
        words = words[:_ENOUGH]
        told = hashes[: len(words)][list(map(bytes.isalpha, words))]
        if not len(told):
            return 0.0, "there are no words in it"
        foreign = 0 if text.isascii() else sum(word[0] > _ASCII for word in words)
        known = float(self._known[told & self._mask].sum()) / (len(told) + foreign / 2)
        return round(known, 3), "" if known >= self.header.known else "too few of its words are known"

    def _unread(self, sure: float, because: str, hints: dict[Family, float]) -> Reading:
        total = sum(hints.values())
        families = {family: round(strength / total, 3) for family, strength in hints.items()}
        return Reading(
            version=self.header.version, families=families, difficulty=0.5, output_tokens=USUAL_TOKENS, sure=sure, because=because
        )

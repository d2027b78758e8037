"""Reads a prompt: two sparse sums over its words, a softmax, and a look at whether the words are known at all. Pure and local."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from libs.classifier.features import BITS, MEASURES, buckets, measures, tokens
from libs.classifier.modelfile import PATH, Arrays, Header, ModelFileError, read
from libs.classifier.prompt import Prompt
from libs.contracts.reading import FAMILIES, Family, Reading

SHORTEST = 4
"""Added to a length before its logarithm is taken, so that one-word answers do not weigh too much."""
USUAL_TOKENS = 250
"""Visible output of a prompt that is not read."""
_INSTRUCTIONS_COUNT = 0.3
"""Of a word in the instructions, against 1 for a word of the task."""
_HINT = 0.9
"""The share of a family that metadata names, at least."""
_SMALL = 0.005
"""A share of a topic below this is left out."""
_ASCII = 127
"""Every byte of another letter is a token of its own; most letters have two, and signs and numbers say nothing of the language."""
FAR = np.float32(4)
"""Standard deviations beyond which a measure counts no more."""
_NAMES: dict[str, Family] = {
    "code": "code", "coding": "code", "programming": "code", "development": "code", "debugging": "code", "sql": "code",
    "code_generation": "code", "code_review": "code", "math": "math", "maths": "math", "mathematics": "math", "arithmetic": "math",
    "science": "science", "physics": "science", "chemistry": "science", "biology": "science", "engineering": "science",
    "knowledge": "knowledge", "qa": "knowledge", "question_answering": "knowledge", "factual": "knowledge", "trivia": "knowledge",
    "law": "knowledge", "medicine": "knowledge", "reasoning": "reasoning", "logic": "reasoning", "analysis": "reasoning",
    "planning": "reasoning", "writing": "writing", "creative": "writing", "creative_writing": "writing", "summarization": "writing",
    "summary": "writing", "summarize": "writing", "translation": "writing", "translate": "writing", "rewrite": "writing",
    "chat": "writing", "conversation": "writing", "tools": "tools", "tool_use": "tools", "tool": "tools",
    "function_calling": "tools", "agent": "tools", "agentic": "tools",
}  # fmt: skip


def named_family(metadata: Mapping[str, str]) -> Family | None:
    """The family that `metadata.task` names, by its own name or a common synonym."""
    given = metadata.get("task")
    return _NAMES.get(given.strip().lower().replace("-", "_").replace(" ", "_")) if given else None


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
        self._mask = len(self._known) - 1
        self._difficulty = np.array([topic.difficulty for topic in header.topics], np.float32)
        self._tokens = np.array([topic.tokens for topic in header.topics], np.float32)
        self._families = np.array([[topic.family == family for family in FAMILIES] for topic in header.topics], np.float32)

    @classmethod
    def load(cls, path: Path = PATH) -> Self:
        """Raises ModelFileError."""
        header, arrays = read(path)
        if (header.bits, header.measures) != (BITS, MEASURES):
            raise ModelFileError(f"{path}: made for other features than this code has; run make train-routing")
        return cls(header, arrays)

    def read(self, prompt: Prompt, metadata: Mapping[str, str]) -> Reading:
        """What the prompt asks for; the no-prompt answer, with its reason, where the prompt is not of a kind that was trained on."""
        hint = named_family(metadata)
        words = tokens(prompt.text)
        sure, because = self._sureness(words)
        if because:
            return self._unread(sure, because, hint)
        scores = self._scores(prompt, words)
        shares = np.exp(scores[: self._topics] - scores[: self._topics].max())
        shares /= shares.sum()
        if hint is not None:
            shares = self._hinted(shares, hint)
        shares[shares < _SMALL] = 0.0
        shares /= shares.sum()
        easier, *latents = scores[self._topics :].tolist()
        families = (shares @ self._families).tolist()
        harder = float(shares @ self._difficulty) - 4 * easier
        return Reading(
            version=self.header.version,
            families={family: round(share, 3) for family, share in zip(FAMILIES, families, strict=True) if share >= _SMALL},
            difficulty=round(1 / (1 + math.exp(-harder)), 3),
            output_tokens=max(1, round(math.exp(float(shares @ self._tokens)) - SHORTEST)),
            demand=[round(value, 4) for value in [easier, *shares.tolist(), *latents]],
            sure=sure,
        )

    def _hinted(self, shares: NDArray[Any], family: Family) -> NDArray[Any]:
        within = shares * self._families[:, FAMILIES.index(family)]
        return _HINT * within / max(float(within.sum()), 1e-12) + (1 - _HINT) * shares

    def _scores(self, prompt: Prompt, words: list[bytes]) -> NDArray[Any]:
        found = buckets(words, prompt.tools)
        rarity = self._rarity[found]
        size = np.float32(math.sqrt(float(rarity @ rarity)) or 1.0)
        told = np.clip((measures(prompt, words) - self._centre) / self._spread, -FAR, FAR)
        scores = (rarity / size) @ self._weights[found] + told @ self._by_measure + self._bias
        if prompt.instructions:
            beside = buckets(tokens(prompt.instructions), ())
            scores += (self._rarity[beside] * (np.float32(_INSTRUCTIONS_COUNT) / size)) @ self._weights[beside]
        return scores

    def _sureness(self, words: list[bytes]) -> tuple[float, str]:
        """0..1, and what speaks against reading it."""
        if not words:
            return 0.0, "there is no text"
        told = [word for word in words if word.isalpha()]
        if not told:
            return 0.0, "there are no words in it"
        hashes = np.fromiter(map(crc32, told), np.int64, len(told))
        known = float(self._known[hashes & self._mask].sum()) / (len(told) + sum(word[0] > _ASCII for word in words) / 2)
        return round(known, 3), "" if known >= self.header.known else "too few of its words are known"

    def _unread(self, sure: float, because: str, hint: Family | None) -> Reading:
        families: dict[Family, float] = {} if hint is None else {hint: 1.0}
        return Reading(
            version=self.header.version, families=families, difficulty=0.5, output_tokens=USUAL_TOKENS, sure=sure, because=because
        )

"""Who goes first though another scored higher: a conversation's cache, or a model whose speed nobody knows any more. Pure."""

from collections.abc import Sequence
from zlib import crc32

from libs.contracts.decisions import Candidate
from libs.contracts.telemetry import CachedPrefix

STAYING = 0.02
"""Score that a conversation gives up at most to go on where it is, over and above what its cache saves, which is in the cost term."""
COLD = 1.0
"""Answers seen, as far as they count, below which a model's speed is not known."""
EXPLORED_WITHIN = 0.15
"""Score that an exploration gives up at most."""


def staying(candidates: Sequence[Candidate], cached: Sequence[CachedPrefix]) -> int:
    """Index of the candidate that the conversation is with, if it may stay there; otherwise 0."""
    if not cached:
        return 0
    last = cached[0]
    for index, one in enumerate(candidates):
        if (one.provider, one.account, one.model) == (last.provider, last.account, last.model):
            return index if one.score >= candidates[0].score - STAYING else 0
    return 0


def exploring(request_id: str, candidates: Sequence[Candidate], share: float) -> int:
    """Index of a candidate to be tried because nothing is known of its speed; otherwise 0. `share`: of requests, at most."""
    if share <= 0 or crc32(b"explore " + request_id.encode()) >= share * 2**32:
        return 0
    enough = candidates[0].score - EXPLORED_WITHIN
    cold = [index for index, one in enumerate(candidates) if one.observed < COLD and one.score >= enough]
    if not cold:
        return 0
    return cold[crc32(b"which " + request_id.encode()) % len(cold)]


def moved(candidates: list[Candidate], index: int) -> list[Candidate]:
    """With that one first."""
    return [candidates[index], *candidates[:index], *candidates[index + 1 :]] if index else candidates

"""Gemini's log probabilities in the form of an output text's."""

from collections.abc import Sequence
from typing import Any

from services.provider_worker.dialects.gemini.wire import LogprobsSaid, ScoredToken

Json = dict[str, Any]


def read(said: LogprobsSaid) -> list[Json]:
    """One entry for each token that was chosen; the alternatives to it stand at the same place of a list of their own."""
    chosen, others = said.chosen_candidates or (), said.top_candidates or ()
    return [
        _token(one) | {"top_logprobs": _tokens((others[place].candidates or ()) if place < len(others) else ())}
        for place, one in enumerate(chosen) if one.log_probability is not None
    ]


def _tokens(said: Sequence[ScoredToken]) -> list[Json]:
    return [_token(one) for one in said if one.log_probability is not None]


def _token(one: ScoredToken) -> Json:
    return {"token": one.token, "bytes": list(one.token.encode("utf-8", "replace")), "logprob": one.log_probability}

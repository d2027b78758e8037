"""Log probabilities: asked for where the server tells them, and read into the form of an output text's."""

from typing import Any

from services.provider_worker.dialects.chat.draft import Draft
from services.provider_worker.dialects.settings import LOGPROBS, logprobs_asked

Json = dict[str, Any]


def ask(draft: Draft, *, thinks: bool) -> Json:
    """The fields that ask for them. `thinks`: the model will think."""
    most, quirks = logprobs_asked(draft.request), draft.quirks
    if most is None:
        return {}
    refused = (thinks and "logprobs" in quirks.ignored_while_thinking) or (draft.call.reasoning and "logprobs" in quirks.unless_reasoning)
    if not quirks.logprobs or refused:
        draft.note(f"{LOGPROBS} was left out: {draft.name} tells no log probabilities{' of a model that thinks' if refused else ''}")
        return {}
    if most > quirks.logprobs:
        draft.note(f"top_logprobs {most} was lowered to {quirks.logprobs}, the most that {draft.name} takes")
    return {"logprobs": True} | ({"top_logprobs": min(most, quirks.logprobs)} if most else {})


def read(said: Any) -> list[Json]:
    """`choices[].logprobs`, as far as it can be read."""
    content = said.get("content") if isinstance(said, dict) else None
    found = [one for one in content if _is_scored(one)] if isinstance(content, list) else []
    return [_token(one) | {"top_logprobs": _others(one.get("top_logprobs"))} for one in found]


def _others(said: Any) -> list[Json]:
    return [_token(one) for one in said if _is_scored(one)] if isinstance(said, list) else []


def _is_scored(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("token"), str) and type(one.get("logprob")) in (int, float)


def _token(one: Json) -> Json:
    told = one.get("bytes")
    # A token that is a part of a character has bytes of its own.
    whole = isinstance(told, list) and all(type(byte) is int for byte in told)
    return {"token": one["token"], "bytes": told if whole else list(one["token"].encode("utf-8", "replace")), "logprob": one["logprob"]}

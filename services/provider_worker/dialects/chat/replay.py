"""Reasoning kept for the next turn, and given back in the server's way."""

from typing import Any

import msgspec

from libs.vault.envelopes import Envelopes
from services.provider_worker.dialects.chat.draft import Draft

Json = dict[str, Any]

_TEXT_FIELDS = ("reasoning_content", "reasoning")
# Sorted, so that a thought reads the same whether it came whole or in pieces.
_encode = msgspec.json.Encoder(order="sorted").encode
_read_text = msgspec.json.Decoder(str).decode
_read_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def sealed(thought: str | list[Any], envelopes: Envelopes, provider: str, model: str) -> str:
    """What `opened` gives back: a text, or a list of the server's own objects."""
    return envelopes.seal(provider, model, _encode(thought))


def opened(item: Json, draft: Draft) -> str | list[Any] | None:
    """The thought in a reasoning item, when this server wrote it and can take it back. Plain text is good for all of its models,
    signed chunks only for the one that wrote them."""
    replay = draft.quirks.replay
    if not replay:
        return None
    as_text = replay in _TEXT_FIELDS
    content = draft.call.envelopes.open(
        item.get("encrypted_content"), draft.provider, model=None if as_text else draft.call.model
    )
    if content is None:
        return None
    try:
        return _read_text(content) if as_text else _read_list(content)
    except msgspec.MsgspecError:
        return None


def replayed(message: Json, thoughts: list[Any], draft: Draft, *, calls: bool) -> Json:
    """The assistant's message with its thoughts. `calls`: it belongs to a turn with tool calls.

    DeepSeek wants the field on every assistant message of such a turn, empty if need be, and ignores it elsewhere:
    https://api-docs.deepseek.com/guides/thinking_mode#tool-calls
    """
    replay = draft.quirks.replay
    if replay in _TEXT_FIELDS:
        if not calls or not (thoughts or draft.quirks.replay_required):
            return message
        # DeepSeek refuses the field beside a null content.
        return message | {"content": message["content"] or "", replay: "".join(thoughts)}
    details = [detail for thought in thoughts for detail in thought]
    if not details:
        return message
    if replay == "thinking":
        text = [{"type": "text", "text": message["content"]}] if message["content"] else []
        return message | {"content": [*details, *text]}
    return message | {replay: details}


def merged(details: list[Any]) -> list[Any]:
    """OpenRouter's details without the cuts that streaming made: pieces of one text follow each other under one index.

    https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
    """
    made: list[Any] = []
    for detail in details:
        field = _goes_on(made[-1], detail) if made else None
        if field:
            said = {name: value for name, value in detail.items() if value is not None}
            made[-1] = made[-1] | said | {field: f"{made[-1].get(field) or ''}{detail.get(field) or ''}"}
        else:
            made.append(detail)
    return made


def _goes_on(last: Any, detail: Any) -> str | None:
    """The field in which a detail goes on with the one before it."""
    if not isinstance(last, dict) or not isinstance(detail, dict):
        return None
    same = last.get("type") == detail.get("type") and last.get("index") == detail.get("index")
    return _PIECES.get(str(detail.get("type"))) if same else None


_PIECES = {"reasoning.text": "text", "reasoning.summary": "summary"}

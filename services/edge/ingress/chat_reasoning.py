"""Thoughts that come back with an assistant's message, as reasoning items in their places.

Ours is the form of `reasoning_details` in services/edge/formats/chat_message.py. `reasoning_content` and `reasoning` are what
DeepSeek and OpenRouter call the plain text: https://api-docs.deepseek.com/guides/thinking_mode and
https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
"""

from typing import Any

from libs.vault.envelopes import is_envelope

Json = dict[str, Any]

_TEXTS = ("reasoning_content", "reasoning")


def with_thoughts(items: list[Json], message: Json) -> list[Json]:
    """The message's items, with its thoughts between them. What cannot be read is left out: foreign state is of no use here."""
    sealed = _sealed(message.get("reasoning_details"))
    if not sealed:
        text = next((message[name] for name in _TEXTS if isinstance(message.get(name), str) and message[name]), "")
        # Nobody has signed it; whether a provider can use it is for its dialect to say.
        return [{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text}]}, *items] if text else items
    made = list(items)
    for place, item in sorted(sealed, key=lambda pair: pair[0]):
        made.insert(min(place, len(made)), item)
    return made


def _sealed(details: Any) -> list[tuple[int, Json]]:
    """Each reasoning item with its place among the items of its message."""
    if not isinstance(details, list):
        return []
    found = [detail for detail in details if isinstance(detail, dict) and is_envelope(detail.get("data"))]
    return [(_place(detail, index), _item(detail)) for index, detail in enumerate(found)]


def _place(detail: Json, default: int) -> int:
    place = detail.get("index")
    return max(0, place) if type(place) is int else default


def _item(detail: Json) -> Json:
    summary, item_id = detail.get("summary"), detail.get("id")
    told = [{"type": "summary_text", "text": summary}] if isinstance(summary, str) and summary else []
    item = {"type": "reasoning", "summary": told, "encrypted_content": detail["data"]}
    return item | {"id": item_id} if isinstance(item_id, str) else item

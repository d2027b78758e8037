"""Checks the messages of a Chat Completions request, and finds what the last turn says."""

from itertools import pairwise
from typing import Any

from services.sandbox.chat.provider import Provider

_IMAGE = frozenset({"image_url"})


def checked(messages: Any, model: str, thinking: bool, provider: Provider) -> list[dict[str, Any]]:
    """The messages, each of a known form and in an order that the provider takes. Raises Problem."""
    if not isinstance(messages, list):
        provider.refuse("messages_missing", messages)
    if not messages:
        provider.refuse("messages_empty", messages)
    for index, message in enumerate(messages):
        _check_message(index, message if isinstance(message, dict) else {}, model, thinking, provider)
    _check_order(messages, provider)
    _check_calls(messages, provider)
    return list(messages)


def last_turn(messages: list[dict[str, Any]]) -> tuple[str, list[str], int]:
    """The last user text, the tool results after it, the images beside it."""
    text, results, images = "", list[str](), 0
    for message in messages:
        content = message.get("content")
        if message["role"] == "tool":
            results.append(_text(content))
        elif message["role"] == "user":
            text, results = _text(content) or text, []
            images = sum(part.get("type") == "image_url" for part in _parts(content))
    return text, results, images


def _check_message(index: int, message: dict[str, Any], model: str, thinking: bool, provider: Provider) -> None:
    role = message.get("role")
    known = provider.message_fields.get(str(role))
    if known is None:
        return provider.refuse("role_unknown", message, index=index, role=role)
    for name in message:
        if name not in known:
            provider.refuse("message_field", message[name], index=index, role=role, name=name)
    _check_content(index, message, model, provider)
    if role == "assistant" and message.get("tool_calls") and thinking and message.get("reasoning_content") is None:
        provider.refuse("reasoning_missing", index=index)
    return None


def _check_content(index: int, message: dict[str, Any], model: str, provider: Provider) -> None:
    role, content = message["role"], message.get("content")
    takes = provider.parts[role] | _IMAGE if role == "user" and provider.sees.fullmatch(model) else provider.parts[role]
    if isinstance(content, list) and not takes:
        provider.refuse("content_array", content, index=index, role=role)
    for number, part in enumerate(content if isinstance(content, list) else []):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in takes:
            provider.refuse("part_unknown", part, index=index, number=number, role=role, kind=kind, known=_listed(takes))
    if not content and not message.get("tool_calls") and (role == "assistant" or content is None):
        provider.refuse("content_missing", content, index=index, role=role)


def _check_calls(messages: list[dict[str, Any]], provider: Provider) -> None:
    """Each call has its result before anything else is said, each result its call."""
    owed: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            answered = message.get("tool_call_id")
            if answered not in owed:
                provider.refuse("result_orphan", message, index=index, id=answered)
            else:
                owed.remove(answered)
            continue
        if owed:
            provider.refuse("calls_unanswered", index=index, ids=", ".join(owed))
        owed = [str(call.get("id")) for call in message.get("tool_calls") or []]
        for call_id in owed:
            if not provider.call_id.fullmatch(call_id):
                provider.refuse("call_id", call_id, id=call_id)
    if owed:
        provider.refuse("calls_unanswered", index=len(messages), ids=", ".join(owed))


def _check_order(messages: list[dict[str, Any]], provider: Provider) -> None:
    for before, after in pairwise(messages):
        may_follow = provider.follows.get(before["role"])
        if may_follow is not None and after["role"] not in may_follow:
            provider.refuse("role_order", role=after["role"], before=before["role"])
    last = messages[-1]
    if last["role"] not in ("user", "tool") and not last.get("prefix"):
        provider.refuse("last_role", role=last["role"])


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def _parts(content: Any) -> list[dict[str, Any]]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in _parts(content) if isinstance(part.get("text"), str))

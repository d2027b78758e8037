"""The order of messages: repairs for servers that are stricter than OpenAI."""

from typing import Any

from services.provider_worker.dialects.chat.draft import Draft

Json = dict[str, Any]

_BRIDGE = "OK."
_CONTINUE = "Continue."


def arranged(messages: list[Json], draft: Draft) -> list[Json]:
    """The messages in an order that the server takes. Raises ProviderFailure when there are none."""
    if not messages:
        raise draft.cannot("a request without any text", "input")
    if draft.quirks.merge_users:
        messages = _merged(messages)
    if draft.quirks.bridge_results:
        messages = _bridged(messages, draft)
    if draft.quirks.last_assistant != "as_is" and messages[-1]["role"] == "assistant":
        _close(messages, draft)
    return messages


def _merged(messages: list[Json]) -> list[Json]:
    made: list[Json] = []
    for message in messages:
        if made and made[-1]["role"] == message["role"] == "user":
            made[-1] = {"role": "user", "content": _joined(made[-1]["content"], message["content"])}
        else:
            made.append(message)
    return made


def _joined(first: str | list[Json], second: str | list[Json]) -> str | list[Json]:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _bridged(messages: list[Json], draft: Draft) -> list[Json]:
    """Mistral: "Unexpected role 'user' after role 'tool'"."""
    made: list[Json] = []
    for message in messages:
        if made and made[-1]["role"] == "tool" and message["role"] == "user":
            draft.note(f'a user message follows a tool result, which {draft.name} refuses; "{_BRIDGE}" was put between them')
            made.append({"role": "assistant", "content": _BRIDGE})
        made.append(message)
    return made


def _close(messages: list[Json], draft: Draft) -> None:
    if draft.quirks.last_assistant == "prefix":
        draft.note("the conversation ended with the assistant; its last message was sent as the beginning of the answer")
        messages[-1] = messages[-1] | {"prefix": True}
    else:
        draft.note("the conversation ended with the assistant; a user's turn was added")
        messages.append({"role": "user", "content": _CONTINUE})

"""What of a request's body the classifier reads: the task, without what was pasted, answered or returned by tools.

The body is the canonical Responses request, see libs.responses.canonical.
"""

import re
from hashlib import blake2b

import msgspec
from msgspec import Struct

WHOLE = 3600
"""Characters of a text that are read whole; of longer ones the beginning and the end."""
HEAD, TAIL = 2400, 1200
DOCUMENT = 2000
"""A part of a message this long, next to shorter ones, is what the task is about rather than the task."""
DOCUMENT_HEAD = 300
INSTRUCTIONS = 400
CACHEABLE_CHARS = 4000
"""About 1,000 tokens: below, no provider caches a prompt. https://platform.openai.com/docs/guides/prompt-caching"""
_PREFIX_SAMPLE = 4096
_BACK = 6
"""User turns looked at, from the last one back."""

# Words that only mean something after an earlier turn.
_REFERS = re.compile(
    r"\b(?:it|its|that|this|those|these|them|they|again|instead|above|previous|same|another|continue|go on|proceed|more|shorter|longer|step|"
    r"yes|no|ok|okay|sure|please do|thanks|thank you|also|too|else|in (?:french|german|spanish|italian|english|chinese|japanese))\b|"
    r"^\W*(?:and|but|now|so|then|or|why|how come)\b",
    re.IGNORECASE,
)
_ALONE_WORDS, _REFERRING_WORDS = 4, 25


class Prompt(Struct, frozen=True, kw_only=True):
    """A request's task and its surroundings."""

    text: str = ""
    """The task: the last user turn, after the earlier ones that it carries on; long texts sampled."""
    instructions: str = ""
    """The beginning of what the system or the developer says."""
    chars: int = 0
    """Characters of text in the whole input."""
    tools: tuple[str, ...] = ()
    """Names."""
    tools_chars: int = 0
    images: int = 0
    turns: int = 1
    """Messages of the user."""
    prefix: str = ""
    """See prefix_of."""


class _Part(Struct):
    type: str = ""
    text: str = ""


class _Item(Struct):
    type: str = "message"
    role: str = ""
    content: str | list[_Part] | None = None


class _Tool(Struct):
    type: str = ""
    name: str = ""


class _Body(Struct):
    input: str | list[_Item] = ""
    instructions: str | list[_Item] | None = None
    tools: list[msgspec.Raw] | None = None
    prompt_cache_key: str | None = None


_decode = msgspec.json.Decoder(_Body).decode
_decode_tool = msgspec.json.Decoder(_Tool).decode


def prompt_of(body: bytes) -> Prompt:
    """The prompt of a canonical body; an empty one where the body has another shape."""
    try:
        request = _decode(body)
        tools = [_decode_tool(raw) for raw in request.tools or ()]
    except msgspec.MsgspecError:
        return Prompt()
    items = [_Item(role="user", content=request.input)] if isinstance(request.input, str) else request.input
    said = [item for item in items if item.role == "user"]
    system = _instructions(request.instructions, items)
    chars = sum(map(_length, items)) + len(system)
    names = tuple(tool.name or tool.type for tool in tools)
    return Prompt(
        text=_task(said) or system[:WHOLE],
        instructions=system[:INSTRUCTIONS],
        chars=chars,
        tools=names,
        tools_chars=sum(map(len, request.tools or ())),
        images=sum(part.type == "input_image" for item in said if isinstance(item.content, list) for part in item.content),
        turns=len(said),
        prefix=prefix_of(system, _text(said[0]) if said else "", names, request.prompt_cache_key or "", chars),
    )


def prefix_of(instructions: str, opening: str, tools: tuple[str, ...] = (), key: str = "", chars: int = 0) -> str:
    """A short name for the beginning of a conversation, the same on every turn; empty where it is too short for a prompt cache.

    `opening` is the first user message, `key` the client's `prompt_cache_key`, `chars` the length of the whole input.
    """
    if chars < CACHEABLE_CHARS:
        return ""
    pieces = [key, "\n".join(tools), str(len(instructions)), instructions[:_PREFIX_SAMPLE], str(len(opening)), opening[:_PREFIX_SAMPLE]]
    return blake2b("\0".join(pieces).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _instructions(given: str | list[_Item] | None, items: list[_Item]) -> str:
    texts = [given] if isinstance(given, str) else [_text(item) for item in given or ()]
    return "\n".join([*texts, *(_text(item) for item in items if item.role in ("system", "developer"))])


def _task(said: list[_Item]) -> str:
    """The last turn of the user, and before it as many as it takes to know what it is about."""
    taken: list[str] = []
    for item in said[: -_BACK - 1 : -1]:
        text = _task_of(item)
        if not text.strip():
            continue
        taken.append(text)
        if not _carries_on(text):
            break
    return "\n".join(reversed(taken))


def _carries_on(text: str) -> bool:
    words = len(text.split(None, _REFERRING_WORDS))
    return words < _ALONE_WORDS or (words <= _REFERRING_WORDS and _REFERS.search(text) is not None)


def _task_of(item: _Item) -> str:
    if isinstance(item.content, str):
        return sampled(item.content)
    parts = [part.text for part in item.content or () if part.text]
    if len(parts) > 1 and min(map(len, parts)) < DOCUMENT:
        parts = [part if len(part) < DOCUMENT else part[:DOCUMENT_HEAD] for part in parts]
    return sampled("\n".join(parts))


def sampled(text: str) -> str:
    return text if len(text) <= WHOLE else f"{text[:HEAD]}\n{text[-TAIL:]}"


def _text(item: _Item) -> str:
    if isinstance(item.content, str):
        return item.content
    return "\n".join(part.text for part in item.content or ())


def _length(item: _Item) -> int:
    if isinstance(item.content, str):
        return len(item.content)
    return sum(len(part.text) for part in item.content or ())

"""Writes the answer: deterministic, by simple rules, from what was asked."""

import json
import re

from services.sandbox import schema, tokens, triggers
from services.sandbox.asked import Answer, Asked, Call, Tool
from services.sandbox.triggers import Triggers

MARK = "[sandbox] "
_QUOTED = 160
_FILLER = " and so the canned answer goes on, token by token, as long as it was asked to"
_COMMON = frozenset({
    "about", "above", "after", "again", "also", "call", "calls", "could", "every", "field", "function", "from", "give",
    "given", "gives", "have", "into", "list", "make", "more", "must", "name", "only", "other", "return", "returns", "should",
    "some", "that", "their", "them", "then", "there", "these", "they", "this", "tool", "used", "user", "using", "value",
    "when", "where", "which", "will", "with", "would", "your",
})  # fmt: skip


def answer(asked: Asked, wanted: Triggers) -> Answer:
    """The whole answer, cut to the limits that were asked for."""
    if not asked.words:
        return Answer()
    thinking = tokens.split("The prompt was read. A canned answer is what a sandbox can give.") if asked.thinking else []
    if "refuse" in wanted:
        return Answer(thinking=thinking, refusal=tokens.split(MARK + "I can't help with that."), stop="refusal")
    calls = _calls(asked, wanted)
    if calls:
        return Answer(thinking=thinking, calls=calls, stop="tools")
    text = _json(asked.schema) if asked.schema is not None else _prose(asked, wanted)
    return _limited(Answer(thinking=thinking, text=tokens.split(text)), asked, wanted)


def _prose(asked: Asked, wanted: Triggers) -> str:
    parts = [f"{MARK}This is a canned answer in place of {asked.model}; no provider was called."]
    quoted = triggers.without(asked.text)
    if quoted:
        parts.append(f"You wrote: “{quoted[:_QUOTED]}{'…' if len(quoted) > _QUOTED else ''}”")
    if asked.images:
        parts.append(f"You attached {asked.images} image{'s' if asked.images > 1 else ''}.")
    parts += [f"A tool returned: {result[:_QUOTED]}" for result in asked.results]
    text = " ".join(parts)
    missing = wanted.tokens - len(tokens.split(text))
    if missing > 0:
        filler = tokens.split(_FILLER)
        text += "".join(filler[i % len(filler)] for i in range(missing))
    return text


def _json(wanted: dict[str, object]) -> str:
    return json.dumps(schema.instance(wanted) if wanted else {"sandbox": True})


def _limited(whole: Answer, asked: Asked, wanted: Triggers) -> Answer:
    text = "".join(whole.text)
    met = min((stop for stop in asked.stops if stop and stop in text), key=text.index, default=None)
    if met is not None:
        whole.text, whole.stop, whole.stopped_by = tokens.split(text[: text.index(met)]), "stop_sequence", met
    limit = max(1, len(whole.text) // 2) if "max_tokens" in wanted else asked.limit
    if limit is not None and len(whole.thinking) + len(whole.text) > limit:
        whole.thinking = whole.thinking[:limit]
        whole.text = whole.text[: limit - len(whole.thinking)]
        whole.stop, whole.stopped_by = "max_tokens", None
    return whole


def _calls(asked: Asked, wanted: Triggers) -> list[Call]:
    if asked.results or asked.choice == "none":
        return []
    text = triggers.without(asked.text)
    chosen = [tool for tool in asked.tools if _mentioned(tool, text.lower())]
    if not chosen and asked.choice == "forced":
        chosen = asked.tools[:1]
    if "parallel" in wanted and len(chosen) == 1:
        chosen *= 2
    if not asked.parallel:
        chosen = chosen[:1]
    return [Call(tool.name, json.dumps(schema.instance(tool.parameters or {"type": "object"}, _subject(text)))) for tool in chosen]


def _mentioned(tool: Tool, text: str) -> bool:
    if tool.name.lower() in text:
        return True
    words = set(re.findall(r"[a-z]{4,}", f"{tool.name} {tool.description}".lower().replace("_", " ")))
    return not (words - _COMMON).isdisjoint(re.findall(r"[a-z]{4,}", text))


def _subject(text: str) -> str:
    """What fills an argument: the last capitalised word after the first, as `Paris` in `What is the weather in Paris?`."""
    names = re.findall(r"(?<=[a-z,] )[A-Z][\w-]+", text)
    return names[-1] if names else "sandbox"

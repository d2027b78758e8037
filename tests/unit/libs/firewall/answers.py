"""Rules and answers for the tests of screening."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from libs.contracts.deltas import Event
from libs.contracts.policies import FirewallRule, FirewallRules
from libs.firewall.ruleset import Active, RuleSet
from libs.responses.builder import ResponseBuilder
from tests.conformance.answers import call

Json = dict[str, Any]

SECRET = "secret-1234"


def rule(rule_id: int = 1, pattern: str = r"secret-\d{4}", action: str = "mask", **more: Any) -> FirewallRule:
    told = {"name": f"rule {rule_id}", "type": "regex", "priority": 0, "is_enabled": True, "scope": "response", "user_id": 1} | more
    at = "2026-01-01T00:00:00Z"
    return msgspec.convert(told | {"id": rule_id, "pattern": pattern, "action": action, "created_at": at, "updated_at": at}, FirewallRule)


def active(*rules: FirewallRule) -> Active:
    return RuleSet(FirewallRules(rules=list(rules)), "response").active("key", "name", "")


def event(kind: str, **fields: Any) -> Event:
    return Event(kind, msgspec.json.encode({"type": kind} | fields))


def told(events: list[Event]) -> list[Json]:
    messages = [msgspec.json.decode(one.data) for one in events]
    assert [one.type for one in events] == [message["type"] for message in messages]
    return messages


def message(*texts: str, **more: Any) -> Json:
    parts = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []} | more for text in texts]
    return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": parts}


# Fragments that make matches, halves of them, and what lies around.
pieces = st.lists(
    st.sampled_from([SECRET, "secret-", "1234", "99", "sec", "ret-", " ", "\n", '"', "\\", "é", "😀", "word ", "x" * 300, "person@", "example.com"]),
    min_size=1, max_size=12,
)


@st.composite
def chunks(draw: st.DrawFn, text: str) -> list[str]:
    """The text cut anywhere."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Event], list[Json]]:
    """The events of an answer, and the output that they add up to."""
    builder = ResponseBuilder(call().frame)
    events = builder.start()
    for number in range(draw(st.integers(1, 4))):
        text = "".join(draw(pieces))
        kind = draw(st.sampled_from(["text", "refusal", "reasoning", "raw", "call", "custom"]))
        if kind in ("call", "custom"):
            arguments = msgspec.json.encode({"input": text} if kind == "custom" else {"a": text, "b": ["".join(draw(pieces))]}).decode()
            events += builder.call(number, f"call_{number}", "run", custom=kind == "custom")
            for chunk in draw(chunks(arguments)):
                events += builder.arguments(number, chunk)
            if draw(st.booleans()):
                events += builder.call_done(number)
            continue
        for chunk in draw(chunks(text)):
            if kind in ("reasoning", "raw"):
                events += builder.reasoning(chunk, raw=kind == "raw") if chunk else []
            else:
                events += builder.text(chunk) if kind == "text" else builder.refusal(chunk)
        if kind in ("reasoning", "raw"):
            events += builder.reasoning_done("opaque")
    return events + builder.finish(), builder.output


@st.composite
def batches(draw: st.DrawFn, events: list[Event]) -> list[list[Event]]:
    """The events as they come, some together."""
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=8)))
    return [events[start:end] for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]

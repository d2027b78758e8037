"""The base of every message on the bus, and the fields that more than one kind of message carries."""

from typing import Literal

from msgspec import Struct

Stage = Literal["edge", "firewall", "rules", "router", "provider-worker"]


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """A message is immutable; a stage that adds something sends a new one. Fields may be added, never changed."""


class Body(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """JSON that travels inline, or by claim check in the object store when it is large."""

    inline: bytes = b""
    claim: str = ""
    """Name of the object that holds the bytes; empty when they are inline."""
    size: int = 0
    """Bytes, wherever they are."""


class Hop(Struct, frozen=True, array_like=True):
    """A stage's stay on the request's timeline."""

    stage: str
    instance: str
    at: float
    """Unix seconds at which the stage took the message."""
    took_ms: float


class Warning(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something the client should know; appears in the response's metadata."""

    source: Literal["firewall", "routing", "router", "provider-worker"]
    message: str
    rule_id: int | None = None


class Condition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One condition of a routing rule, as it was evaluated."""

    field: str
    expected: object = None
    matched: bool
    seen: object = None
    conditions: list["Condition"] = []
    """Of a group: `any`, `all` or `not`."""


class Match(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A hit of a firewall rule, never the text."""

    item: str
    """Where: `input[0].content[1].text`, `metadata.note`, `output[0].arguments`."""
    start: int
    end: int
    """Characters of the text as it was before masking, end exclusive."""
    detector: str = ""
    """The detector of a pack."""
    hash: str = ""
    """16 hexadecimal digits of HMAC-SHA-256 over the matched text, keyed by the workspace's salt."""


class RuleTrace(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule that was looked at, in the shape that clients see in `rule_trace`."""

    kind: Literal["routing", "firewall"]
    rule_id: int
    name: str
    priority: int
    matched: bool
    conditions: list[Condition] = []
    action: object = None
    scope: str | None = None
    hits: int | None = None
    """All of them; `matches` holds the first."""
    observed: bool = False
    """The rule only observes: its action was not carried out."""
    matches: list[Match] = []

"""The rules of a workspace."""

from typing import Any, Literal, Required

from openai import BaseModel
from typing_extensions import TypedDict

FirewallScope = Literal["prompt", "response", "metadata"]
FirewallType = Literal["substring", "regex", "detector"]
FirewallAction = Literal["block", "mask", "warn"]


Window = TypedDict(
    "Window", {"timezone": str, "days": list[str], "from": str, "to": str, "after": str, "before": str}, total=False,
)
"""When: `{"timezone": "Europe/Berlin", "days": ["mon", "fri"], "from": "09:00", "to": "17:00"}`."""


class Findings(TypedDict, total=False):
    """What the firewall has to have found."""

    rule: int | str
    """Id or name."""
    action: Literal["mask", "warn"]
    detector: str
    """A detector or a pack."""
    scope: Literal["prompt", "metadata"]
    min_hits: int


class Conditions(TypedDict, total=False):
    """The conditions of a routing rule; all given ones must hold, none always holds. Of a list, one entry has to fit."""

    contains: str | list[str]
    """Any of the words, whatever their case."""
    regex: str | list[str]
    """RE2 patterns, in the user's text."""
    language: str | list[str]
    """ISO 639-1 codes, or `unknown`."""
    metadata_equals: dict[str, str]
    metadata_regex: dict[str, str]
    metadata_exists: str | list[str]
    task: str | list[str]
    """Short for `metadata_equals: {"task": ...}`."""
    mode: str | list[str]
    model: str | list[str]
    """Globs of what the client asked for."""
    min_input_tokens: int
    max_input_tokens: int
    min_output_tokens: int
    max_output_tokens: int
    endpoint: str | list[str]
    stream: bool
    has_tools: bool
    has_images: bool
    has_files: bool
    has_audio: bool
    api_key: str | list[str]
    """Ids or names."""
    project: str | list[str]
    user: str | list[str]
    time: Window
    firewall: bool | Findings


Groups = TypedDict("Groups", {"any": "list[Match]", "all": "list[Match]", "not": "Match"}, total=False)
"""Conditions put together."""


class Match(Conditions, Groups, total=False):
    """Conditions and groups of them."""


class Way(TypedDict, total=False):
    """One way of a weighted split; `weight` and at least one of the others."""

    weight: Required[float]
    provider: str
    model: str
    mode: str


class Link(TypedDict, total=False):
    """A provider, a model, or both."""

    provider: str
    model: str


class Pin(TypedDict, total=False):
    """A model, and perhaps its provider."""

    provider: str
    model: Required[str]


class RuleLimits(TypedDict, total=False):
    """What a request is allowed at most."""

    max_output_tokens: int
    timeout_seconds: float
    max_attempts: int
    max_cost_usd: float


class Said(TypedDict):
    """A text for the client."""

    message: str


class Action(TypedDict, total=False):
    """What a routing rule does; of several that match, the stronger one wins key by key."""

    set_provider: str
    set_model: str
    set_mode: str
    split: list[Way]
    """Each request takes one of the ways, exactly in proportion over time."""
    sticky: str
    """With `split`: user, api_key, project, conversation or `metadata.<name>`; the same value always takes the same way."""
    fallbacks: list[Link]
    """Tried in this order behind the chosen target, and nothing else."""
    pin: Pin
    """This and nothing else."""
    exclude: list[str]
    """Globs of provider/model that may not serve it."""
    deny: bool | Said
    add_headers: dict[str, str]
    """To the provider."""
    add_metadata: dict[str, str]
    set_limits: RuleLimits
    add_warning: Said


class Rule(BaseModel):
    """What both kinds have."""

    id: int
    user_id: int
    name: str
    is_enabled: bool
    priority: int
    """Higher is looked at first."""
    created_at: str
    """ISO 8601, UTC."""
    updated_at: str


class RoutingRule(Rule):
    """A rule that says where requests go."""

    match_json: dict[str, Any]
    action_json: dict[str, Any]


class FirewallRule(Rule):
    """A rule that says what may pass."""

    scope: FirewallScope
    type: FirewallType
    pattern: str
    action: FirewallAction
    replacement: str | None = None
    """For `mask`; `[redacted]` when None."""
    exceptions: list[str] = []
    """Matches that are none: texts with `*` for anything, or `/regex/`."""
    observe: bool = False
    """Hits go on record, and nothing else happens."""
    projects: list[str] = []
    """Only requests of these; empty: of all."""
    api_keys: list[str] = []
    """Only requests with these keys, by id or name; empty: with all."""


class Deleted(BaseModel):
    success: bool

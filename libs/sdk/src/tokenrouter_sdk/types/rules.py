"""The rules of a workspace."""

from typing import Any, Literal, Required

from openai import BaseModel
from typing_extensions import TypedDict

FirewallScope = Literal["prompt", "response", "metadata"]
FirewallType = Literal["substring", "regex"]
FirewallAction = Literal["block", "mask", "warn"]


class Match(TypedDict, total=False):
    """The conditions of a routing rule; all given ones must hold, none always holds."""

    contains: str | list[str]
    """Any of the words, whatever their case."""
    metadata_equals: dict[str, str]
    mode: str
    task: str
    """Short for `metadata_equals: {"task": ...}`."""


class Way(TypedDict, total=False):
    """One way of a weighted split; `weight` and at least one of the others."""

    weight: Required[float]
    provider: str
    model: str
    mode: str


class AddedWarning(TypedDict):
    message: str


class Action(TypedDict, total=False):
    """What a routing rule does; of several that match, the earlier one wins key by key."""

    set_provider: str
    set_model: str
    set_mode: str
    split: list[Way]
    """Each request takes one of the ways, exactly in proportion over time."""
    add_warning: AddedWarning


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


class Deleted(BaseModel):
    success: bool

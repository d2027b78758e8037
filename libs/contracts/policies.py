"""What lives in NATS KV and every service serves from memory: API keys, firewall rules, routing rules."""

from typing import Any, Literal

from msgspec import Struct

Scope = Literal["prompt", "response", "metadata"]
FirewallType = Literal["substring", "regex"]
FirewallAction = Literal["block", "mask", "warn"]


class ApiKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A client's key, stored under the SHA-256 of its secret."""

    id: str
    workspace: str
    name: str
    created_at: float
    revoked: bool = False


class FirewallRule(Struct, frozen=True, kw_only=True):
    """A firewall rule as the API shows it."""

    id: int
    user_id: int
    name: str
    is_enabled: bool
    priority: int
    scope: Scope
    type: FirewallType
    pattern: str
    action: FirewallAction
    replacement: str | None = None
    created_at: str
    updated_at: str


class RoutingRule(Struct, frozen=True, kw_only=True):
    """A routing rule as the API shows it."""

    id: int
    user_id: int
    name: str
    is_enabled: bool
    priority: int
    match_json: dict[str, Any]
    action_json: dict[str, Any]
    created_at: str
    updated_at: str


class FirewallRules(Struct, frozen=True, kw_only=True):
    """A workspace's firewall rules: one KV value, changed by compare-and-set."""

    next_id: int = 1
    rules: list[FirewallRule] = []


class RoutingRules(Struct, frozen=True, kw_only=True):
    """A workspace's routing rules: one KV value, changed by compare-and-set."""

    next_id: int = 1
    rules: list[RoutingRule] = []

"""What matching rules do, merged key by key: of each key the stronger rule's word counts."""

from typing import Any

from msgspec import Struct

from libs.contracts.decisions import Limits, Share, Target
from libs.contracts.message import Warning
from libs.contracts.models import mode_of, provider_of
from libs.contracts.policies import RoutingRule

_SETTINGS = frozenset({"set_provider", "set_model", "set_mode"})
_WAYS = _SETTINGS | {"split", "fallbacks", "pin"}
"""What says where a request goes."""
_SPLIT_AFTER = _SETTINGS | {"split", "pin"}
_PIN_AFTER = _WAYS - {"set_mode"}
_HIDDEN = "[hidden]"


class Denial(Struct, frozen=True):
    """The request is refused."""

    rule: RoutingRule
    message: str


class Merged:
    """Takes the actions of matching rules, strongest first."""

    def __init__(self) -> None:
        self.target = Target()
        self.pinned = False
        self.split: RoutingRule | None = None
        self.fallbacks: list[Target] = []
        self.exclude: list[str] = []
        self.headers: dict[str, str] = {}
        self.metadata: dict[str, str] = {}
        self.limits = Limits()
        self.denied: Denial | None = None
        self.warnings: list[Warning] = []
        self._set: dict[str, Any] = {}
        self._spoken: set[str] = set()
        self._limits: dict[str, Any] = {}

    def take(self, rule: RoutingRule) -> None:
        """A weaker rule adds what no stronger one has said."""
        action = rule.action_json
        if _WAYS & action.keys():
            self._take_way(rule, action)
        if "exclude" in action:
            self.exclude += [glob for glob in action["exclude"] if glob not in self.exclude]
        if "add_headers" in action:
            self.headers = {name.lower(): value for name, value in action["add_headers"].items()} | self.headers
        if "add_metadata" in action:
            self.metadata = action["add_metadata"] | self.metadata
        if "set_limits" in action:
            self._limits = action["set_limits"] | self._limits
            self.limits = _limits(self._limits)
        if "deny" in action and self.denied is None:
            self.denied = Denial(rule, _denial(rule, action["deny"]))
        if "add_warning" in action:
            self.warnings.append(Warning(source="routing", rule_id=rule.id, message=action["add_warning"]["message"]))

    def _take_way(self, rule: RoutingRule, action: dict[str, Any]) -> None:
        if not self.pinned:
            if "pin" in action and self._spoken.isdisjoint(_PIN_AFTER):
                # A pin is the whole way: weaker rules have nothing to add to it.
                self.pinned = True
                self._set |= {f"set_{name}": value for name, value in action["pin"].items()}
            elif "split" in action and self._spoken.isdisjoint(_SPLIT_AFTER):
                # A split says all that its ways set, so it comes too late where a stronger rule has spoken of it.
                self.split = rule
            if "fallbacks" in action and "fallbacks" not in self._spoken and not self.pinned:
                self.fallbacks = [target_of(one) for one in action["fallbacks"]]
        allowed = {"set_mode"} if self.pinned else _SETTINGS
        self._set = {name: value for name, value in action.items() if name in allowed} | self._set
        self._spoken |= action.keys()
        self.target = target_of({name.removeprefix("set_"): value for name, value in self._set.items()})


def target_of(named: dict[str, Any]) -> Target:
    """`{"provider", "model", "mode"}`, any of them, as a target; synonyms become ids."""
    mode, provider = named.get("mode"), named.get("provider")
    return Target(
        provider=(provider_of(provider) or provider) if provider else None, model=named.get("model"),
        mode=mode_of(mode) if mode else None,
    )


def shares(action: dict[str, Any]) -> list[Share]:
    """The ways of a rule's split."""
    return [
        Share(weight=way["weight"], provider=target.provider, model=target.model, mode=target.mode)
        for way in action.get("split", ()) for target in (target_of(way),)
    ]


def told(action: dict[str, Any]) -> dict[str, Any]:
    """An action as traces show it: headers for providers may hold what clients need not see."""
    if "add_headers" not in action:
        return action
    return action | {"add_headers": dict.fromkeys(action["add_headers"], _HIDDEN)}


def _limits(given: dict[str, Any]) -> Limits:
    return Limits(
        max_output_tokens=given.get("max_output_tokens"), timeout=given.get("timeout_seconds"), max_attempts=given.get("max_attempts"),
        max_usd=given.get("max_cost_usd"),
    )


def _denial(rule: RoutingRule, given: Any) -> str:
    message = given.get("message") if isinstance(given, dict) else None
    return message or f"routing rule '{rule.name}' denies this request"

"""Routing rules and firewall rules, with an asynchronous client."""

import builtins
from collections.abc import Mapping
from typing import Any, Generic

from openai import AsyncOpenAI, Omit, omit

from tokenrouter_sdk.resources.envelopes import Many, One, RuleT, given
from tokenrouter_sdk.types.preview import FirewallPreview, Preview
from tokenrouter_sdk.types.rules import Action, Deleted, FirewallAction, FirewallRule, FirewallScope, FirewallType, Match, RoutingRule

Names = builtins.list[str]


class AsyncRules(Generic[RuleT]):
    """What both kinds have. A change acts on requests as soon as every process has heard of it, some milliseconds later."""

    def __init__(self, client: AsyncOpenAI, path: str, one: type[One[RuleT]], many: type[Many[RuleT]]) -> None:
        self._client, self._path, self._one, self._many = client, path, one, many

    async def list(self) -> builtins.list[RuleT]:
        """All rules in the order in which they are looked at."""
        return (await self._client.get(self._path, cast_to=self._many)).data

    async def retrieve(self, rule_id: int) -> RuleT:
        return (await self._client.get(f"{self._path}/{rule_id}", cast_to=self._one)).data

    async def delete(self, rule_id: int) -> Deleted:
        return await self._client.delete(f"{self._path}/{rule_id}", cast_to=Deleted)

    async def _create(self, fields: Mapping[str, Any]) -> RuleT:
        return (await self._client.post(self._path, cast_to=self._one, body=fields)).data

    async def _update(self, rule_id: int, fields: Mapping[str, Any]) -> RuleT:
        return (await self._client.patch(f"{self._path}/{rule_id}", cast_to=self._one, body=fields)).data


class AsyncRoutingRules(AsyncRules[RoutingRule]):
    def __init__(self, client: AsyncOpenAI) -> None:
        super().__init__(client, "/routing-rules", One[RoutingRule], Many[RoutingRule])

    async def create(self, *, name: str, match_json: Match, action_json: Action, priority: int = 0, is_enabled: bool = True) -> RoutingRule:
        """Add a rule; of higher `priority` is looked at first."""
        return await self._create(given(name=name, match_json=match_json, action_json=action_json, priority=priority, is_enabled=is_enabled))

    async def update(
        self, rule_id: int, *, name: str | Omit = omit, match_json: Match | Omit = omit, action_json: Action | Omit = omit,
        priority: int | Omit = omit, is_enabled: bool | Omit = omit,
    ) -> RoutingRule:
        """Change some fields."""
        fields = given(name=name, match_json=match_json, action_json=action_json, priority=priority, is_enabled=is_enabled)
        return await self._update(rule_id, fields)

    async def preview(self, **tried: Any) -> Preview:
        """What the router would do with a `request` under the given `rules`, else the live ones. Nothing is sent."""
        return await self._client.post("/routing-rules/preview", cast_to=Preview, body=tried)


class AsyncFirewallRules(AsyncRules[FirewallRule]):
    def __init__(self, client: AsyncOpenAI) -> None:
        super().__init__(client, "/firewall-rules", One[FirewallRule], Many[FirewallRule])

    async def create(
        self, *, name: str, pattern: str, action: FirewallAction, scope: FirewallScope = "prompt", type: FirewallType = "substring",
        replacement: str | Omit | None = omit, priority: int = 0, is_enabled: bool = True, exceptions: Names | Omit = omit,
        observe: bool | Omit = omit, projects: Names | Omit = omit, api_keys: Names | Omit = omit,
    ) -> FirewallRule:
        """Add a rule; of higher `priority` is looked at first."""
        return await self._create(given(
            name=name, pattern=pattern, action=action, scope=scope, type=type, replacement=replacement, priority=priority,
            is_enabled=is_enabled, exceptions=exceptions, observe=observe, projects=projects, api_keys=api_keys,
        ))

    async def update(
        self, rule_id: int, *, name: str | Omit = omit, pattern: str | Omit = omit, action: FirewallAction | Omit = omit,
        scope: FirewallScope | Omit = omit, type: FirewallType | Omit = omit, replacement: str | Omit | None = omit,
        priority: int | Omit = omit, is_enabled: bool | Omit = omit, exceptions: Names | Omit = omit, observe: bool | Omit = omit,
        projects: Names | Omit = omit, api_keys: Names | Omit = omit,
    ) -> FirewallRule:
        """Change some fields; `replacement=None` goes back to `[redacted]`."""
        return await self._update(rule_id, given(
            name=name, pattern=pattern, action=action, scope=scope, type=type, replacement=replacement, priority=priority,
            is_enabled=is_enabled, exceptions=exceptions, observe=observe, projects=projects, api_keys=api_keys,
        ))

    async def preview(self, **tried: Any) -> FirewallPreview:
        """What rules would do with a `request` or a `response`: those given as `rules`, else the live ones. Nothing is sent."""
        return await self._client.post("/firewall/preview", cast_to=FirewallPreview, body=tried)

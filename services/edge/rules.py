"""CRUD on routing rules and firewall rules (contract, sections 9 and 10)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import structs

from libs.contracts.errors import NotFound, ValidationFailed
from libs.contracts.policies import FirewallRule, RoutingRule, RoutingRules
from services.edge.answer import Body
from services.edge.firewall_rule_fields import firewall_fields, pattern_doubts
from services.edge.handlers import Edge
from services.edge.policies import PolicyStore
from services.edge.reaching import body_of
from services.edge.routing_rule_fields import routing_fields
from services.edge.rule_fields import Fields

AnyRequest = Request[Any, Any, Any]
Rule = TypeVar("Rule", FirewallRule, RoutingRule)
MAX_RULE_BYTES = 256 * 1024
MAX_RULES = 1000
MAX_DETECTOR_RULES = 20
"""A pack is two hundred patterns: twenty rules of it take 0.6 s to compile."""


class RuleBook:
    """One kind of rule, as its routes need it."""

    def __init__(
        self, edge: Edge, noun: str, store: PolicyStore[Any], kind: type[Any], check: Callable[..., Fields], doubts: Callable[[Any], list[str]]
    ) -> None:
        """`check` looks at the fields, one by one; `doubts` at a whole rule: it raises ValidationFailed, or returns what the client should
        know of the rule."""
        self._edge, self._noun, self._store, self._kind, self._check, self._doubts = edge, noun, store, kind, check, doubts

    async def listed(self, request: AnyRequest) -> ASGIApp:
        """All rules in evaluation order."""
        rules = await self._store.read(self._workspace(request))
        return _data(200, sorted(rules.rules, key=lambda rule: (-rule.priority, rule.id)))

    async def shown(self, request: AnyRequest, rule_id: str) -> ASGIApp:
        rules = await self._store.read(self._workspace(request))
        return _data(200, rules.rules[self._index(rules, rule_id)])

    async def created(self, request: AnyRequest) -> ASGIApp:
        workspace = self._workspace(request)
        fields = self._check(await self._fields(request), partial=False)

        def edit(rules: Any) -> tuple[Any, Any]:
            now = _now()
            rule = self._kind(id=rules.next_id, user_id=1, created_at=now, updated_at=now, **fields)
            doubts = self._doubts(rule)
            self._check_room([*rules.rules, rule])
            return structs.replace(rules, next_id=rules.next_id + 1, rules=[*rules.rules, rule]), (rule, doubts)

        return _data(201, *await self._store.change(workspace, edit))

    async def updated(self, request: AnyRequest, rule_id: str) -> ASGIApp:
        workspace = self._workspace(request)
        fields = self._check(await self._fields(request), partial=True)

        def edit(rules: Any) -> tuple[Any, Any]:
            index = self._index(rules, rule_id)
            rule = structs.replace(rules.rules[index], **fields, updated_at=_now())
            doubts = self._doubts(rule)
            self._check_room([*rules.rules[:index], rule, *rules.rules[index + 1 :]])
            return structs.replace(rules, rules=[*rules.rules[:index], rule, *rules.rules[index + 1 :]]), (rule, doubts)

        return _data(200, *await self._store.change(workspace, edit))

    async def deleted(self, request: AnyRequest, rule_id: str) -> ASGIApp:
        def edit(rules: Any) -> tuple[Any, None]:
            index = self._index(rules, rule_id)
            return structs.replace(rules, rules=[*rules.rules[:index], *rules.rules[index + 1 :]]), None

        await self._store.change(self._workspace(request), edit)
        return Body(200, b'{"success":true}')

    def _check_room(self, rules: list[Any]) -> None:
        if len(rules) > MAX_RULES:
            raise ValidationFailed(f"a workspace holds at most {MAX_RULES} {self._noun}s", code="too_many_rules")
        if sum(getattr(rule, "type", "") == "detector" for rule in rules) > MAX_DETECTOR_RULES:
            what = f"a workspace holds at most {MAX_DETECTOR_RULES} rules of type detector; one rule can name several packs"
            raise ValidationFailed(what, code="too_many_rules")

    def _workspace(self, request: AnyRequest) -> str:
        return self._edge.keys.caller(request.headers).workspace

    async def _fields(self, request: AnyRequest) -> Fields:
        return await body_of(request, MAX_RULE_BYTES)

    def _index(self, rules: Any, rule_id: str) -> int:
        for index, rule in enumerate(rules.rules):
            if str(rule.id) == rule_id:
                return index
        raise NotFound(f"there is no {self._noun} {rule_id}")


def routing_book(edge: Edge) -> RuleBook:
    store = PolicyStore(edge.bus, "routing", RoutingRules)

    def check(given: Fields, *, partial: bool) -> Fields:
        return routing_fields(given, partial=partial, providers=edge.registry.accounts())

    return RuleBook(edge, "routing rule", store, RoutingRule, check, lambda rule: [])


def firewall_book(edge: Edge) -> RuleBook:
    return RuleBook(edge, "firewall rule", edge.rule_sets.store, FirewallRule, firewall_fields, pattern_doubts)


def routes(book: RuleBook, paths: list[str], noun: str) -> list[Any]:
    """The five routes of a kind of rule."""
    one = [f"{path}/{{rule_id:str}}" for path in paths]

    @get(paths, summary=f"List {noun}s in evaluation order")
    async def listed(request: AnyRequest) -> ASGIApp:
        return await book.listed(request)

    @post(paths, summary=f"Create a {noun}", status_code=201)
    async def created(request: AnyRequest) -> ASGIApp:
        return await book.created(request)

    @get(one, summary=f"Read a {noun}")
    async def shown(request: AnyRequest, rule_id: FromPath[str]) -> ASGIApp:
        return await book.shown(request, rule_id)

    @patch(one, summary=f"Change some fields of a {noun}")
    async def updated(request: AnyRequest, rule_id: FromPath[str]) -> ASGIApp:
        return await book.updated(request, rule_id)

    @delete(one, summary=f"Delete a {noun}", status_code=200)
    async def deleted(request: AnyRequest, rule_id: FromPath[str]) -> ASGIApp:
        return await book.deleted(request, rule_id)

    return [listed, created, shown, updated, deleted]


def _data(status: int, value: Any, warnings: list[str] | None = None) -> Body:
    """`warnings` stand beside the data, where there are any."""
    return Body(status, msgspec.json.encode({"data": value} | ({"warnings": warnings} if warnings else {})))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

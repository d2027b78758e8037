"""What a workspace settles about routing for all its requests: read it, write it, forget what was learned."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, delete, get, patch, put
from litestar.types import ASGIApp
from msgspec import structs

from libs.contracts.policies import Learned, RoutingPolicy
from services.edge.answer import Body
from services.edge.handlers import Edge
from services.edge.policies import PolicyStore
from services.edge.policy_fields import MOST_BYTES, Fields, doubts, policy_of
from services.edge.reaching import body_of

AnyRequest = Request[Any, Any, Any]
Edit = Callable[[RoutingPolicy], tuple[RoutingPolicy, RoutingPolicy]]
_DONE = b'{"success":true}'


class PolicyBook:
    """The policy of the workspace that asks."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._policies = PolicyStore(edge.bus, "policy", RoutingPolicy)
        self._learned = PolicyStore(edge.bus, "learned", Learned)

    async def shown(self, request: AnyRequest) -> ASGIApp:
        workspace = self._workspace(request)
        (policy, revision), (learned, _) = await asyncio.gather(self._policies.find(workspace), self._learned.find(workspace))
        return Body(200, self.told(policy or RoutingPolicy(), revision if policy is not None else 0, learned))

    async def replaced(self, request: AnyRequest) -> ASGIApp:
        """With PUT, what is not given is back at its default."""
        workspace = self._workspace(request)
        made = policy_of(await self._fields(request), RoutingPolicy())
        return await self._changed(workspace, lambda _: (made, made))

    async def merged(self, request: AnyRequest) -> ASGIApp:
        """With PATCH, the given fields replace those that are there."""
        workspace = self._workspace(request)
        fields = await self._fields(request)

        def edit(policy: RoutingPolicy) -> tuple[RoutingPolicy, RoutingPolicy]:
            made = policy_of(fields, policy)
            return made, made

        return await self._changed(workspace, edit)

    async def deleted(self, request: AnyRequest) -> ASGIApp:
        await self._policies.delete(self._workspace(request))
        return Body(200, _DONE)

    async def unlearned(self, request: AnyRequest) -> ASGIApp:
        await self._learned.delete(self._workspace(request))
        return Body(200, _DONE)

    async def _changed(self, workspace: str, edit: Edit) -> ASGIApp:
        policy, revision = await self._policies.changed(workspace, edit)
        learned, _ = await self._learned.find(workspace)
        return Body(200, self.told(policy, revision, learned))

    def told(self, policy: RoutingPolicy, revision: int, learned: Learned | None) -> bytes:
        """The answer, with every field of the policy, and with what may be a slip in it."""
        accounts = [account for its in self._edge.registry.accounts().values() for account in its]
        found = doubts(
            policy,
            providers={account.provider for account in accounts},
            models={f"{account.provider}/{model.id}" for account in accounts for model in account.models},
            regions={account.region for account in accounts},
        )
        told = {
            "policy": {name: getattr(policy, name) for name in policy.__struct_fields__},
            "revision": revision,
            "learned": None if learned is None else {"in_force": policy.learning, **structs.asdict(learned)},
            "warnings": found,
        }
        return msgspec.json.encode({"data": told})

    def _workspace(self, request: AnyRequest) -> str:
        return self._edge.caller(request).workspace

    async def _fields(self, request: AnyRequest) -> Fields:
        return await body_of(request, MOST_BYTES)


def routes(book: PolicyBook, paths: list[str]) -> list[Any]:
    """The policy, and what was learned."""
    learned = [f"{path}/learned" for path in paths]

    @get(paths, summary="Read the routing policy")
    async def shown(request: AnyRequest) -> ASGIApp:
        return await book.shown(request)

    @put(paths, summary="Write the routing policy as a whole")
    async def replaced(request: AnyRequest) -> ASGIApp:
        return await book.replaced(request)

    @patch(paths, summary="Change some fields of the routing policy")
    async def merged(request: AnyRequest) -> ASGIApp:
        return await book.merged(request)

    @delete(paths, summary="Go back to the default routing policy", status_code=200)
    async def deleted(request: AnyRequest) -> ASGIApp:
        return await book.deleted(request)

    @delete(learned, summary="Forget what was learned from feedback", status_code=200)
    async def unlearned(request: AnyRequest) -> ASGIApp:
        return await book.unlearned(request)

    return [shown, replaced, merged, deleted, unlearned]

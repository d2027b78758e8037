"""Conversations: made, read, changed and deleted, with their items."""

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from libs.contracts.errors import InvalidRequest, NotFound
from libs.contracts.state import Conversation
from libs.responses.canonical import canonical
from libs.responses.input_items import canonical_items
from services.edge.paging import listed, page, paged, shown_item
from services.edge.reaching import answered, body_of, reaching_state

if TYPE_CHECKING:
    from services.edge.handlers import Edge

AnyRequest = Request[Any, Any, Any]
Json = dict[str, Any]
MOST_ITEMS = 20
"""Items that one request may add, as at OpenAI."""


class Conversations:
    """The conversations of all workspaces, as their routes need them."""

    def __init__(self, edge: "Edge") -> None:
        self._edge = edge

    async def created(self, request: AnyRequest) -> ASGIApp:
        workspace, body = self._workspace(request), await self._body(request)
        items = _items(body.get("items") or [])
        return answered(_shown(await self._edge.bus.conversations.create(workspace, _metadata(body.get("metadata")), items)))

    async def shown(self, request: AnyRequest, conversation_id: str) -> ASGIApp:
        return answered(_shown(await self._head(self._workspace(request), conversation_id)))

    async def updated(self, request: AnyRequest, conversation_id: str) -> ASGIApp:
        workspace, body = self._workspace(request), await self._body(request)
        if "metadata" not in body:
            raise InvalidRequest("metadata is missing", param="metadata")
        changed = await self._edge.bus.conversations.update(workspace, conversation_id, _metadata(body["metadata"]))
        if changed is None:
            raise not_found(conversation_id)
        return answered(_shown(changed))

    async def deleted(self, request: AnyRequest, conversation_id: str) -> ASGIApp:
        if not await self._edge.bus.conversations.delete(self._workspace(request), conversation_id):
            raise not_found(conversation_id)
        return answered({"id": conversation_id, "object": "conversation.deleted", "deleted": True})

    async def added(self, request: AnyRequest, conversation_id: str) -> ASGIApp:
        workspace, body = self._workspace(request), await self._body(request)
        items = _items(body.get("items"))
        if not items:
            raise InvalidRequest("items must hold at least one item", param="items")
        made = await self._edge.bus.conversations.append(workspace, conversation_id, items)
        if made is None:
            raise not_found(conversation_id)
        return answered(listed(made))

    async def items(self, request: AnyRequest, conversation_id: str) -> ASGIApp:
        workspace, wanted = self._workspace(request), page(request.query_params)
        return answered(paged(await self._held(workspace, conversation_id), wanted))

    async def item(self, request: AnyRequest, conversation_id: str, item_id: str) -> ASGIApp:
        for item in await self._held(self._workspace(request), conversation_id):
            if item.get("id") == item_id:
                return answered(shown_item(item))
        raise _no_item(item_id)

    async def item_deleted(self, request: AnyRequest, conversation_id: str, item_id: str) -> ASGIApp:
        workspace = self._workspace(request)
        head = await self._head(workspace, conversation_id)
        if not await self._edge.bus.conversations.delete_item(workspace, head, item_id):
            raise _no_item(item_id)
        return answered(_shown(head))

    def _workspace(self, request: AnyRequest) -> str:
        return self._edge.caller(request).workspace

    async def _body(self, request: AnyRequest) -> Json:
        return await body_of(request, self._edge.settings.max_body_bytes)

    async def _head(self, workspace: str, conversation_id: str) -> Conversation:
        head = await self._edge.bus.conversations.get(workspace, conversation_id)
        if head is None:
            raise not_found(conversation_id)
        return head

    async def _held(self, workspace: str, conversation_id: str) -> list[Json]:
        return await self._edge.bus.conversations.items(workspace, await self._head(workspace, conversation_id))


def routes(edge: "Edge", paths: list[str]) -> list[Any]:
    """The routes on conversations, under each of `paths`."""
    return [*_conversation_routes(Conversations(edge), paths), *_item_routes(Conversations(edge), paths)]


def _conversation_routes(book: Conversations, paths: list[str]) -> list[Any]:
    one = [f"{path}/{{conversation_id:str}}" for path in paths]

    @post(paths, summary="Create a conversation", status_code=200)
    async def created(request: AnyRequest) -> ASGIApp:
        with reaching_state():
            return await book.created(request)

    @get(one, summary="Read a conversation")
    async def shown(request: AnyRequest, conversation_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await book.shown(request, conversation_id)

    @post(one, summary="Replace the metadata of a conversation", status_code=200)
    async def updated(request: AnyRequest, conversation_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await book.updated(request, conversation_id)

    @delete(one, summary="Delete a conversation with its items", status_code=200)
    async def deleted(request: AnyRequest, conversation_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await book.deleted(request, conversation_id)

    return [created, shown, updated, deleted]


def _item_routes(book: Conversations, paths: list[str]) -> list[Any]:
    many = [f"{path}/{{conversation_id:str}}/items" for path in paths]
    one = [f"{path}/{{item_id:str}}" for path in many]

    @post(many, summary="Add items to a conversation", status_code=200)
    async def added(request: AnyRequest, conversation_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await book.added(request, conversation_id)

    @get(many, summary="List the items of a conversation")
    async def items(request: AnyRequest, conversation_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await book.items(request, conversation_id)

    @get(one, summary="Read an item of a conversation")
    async def item(request: AnyRequest, conversation_id: FromPath[str], item_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await book.item(request, conversation_id, item_id)

    @delete(one, summary="Delete an item of a conversation", status_code=200)
    async def item_deleted(request: AnyRequest, conversation_id: FromPath[str], item_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await book.item_deleted(request, conversation_id, item_id)

    return [added, items, item, item_deleted]


def not_found(conversation_id: str) -> NotFound:
    """The same for an id that is unknown, deleted, expired, or another workspace's."""
    return NotFound(f"Conversation with id '{conversation_id}' not found.", code="conversation_not_found", param="conversation_id")


def _no_item(item_id: str) -> NotFound:
    return NotFound(f"Item with id '{item_id}' not found.", code="item_not_found", param="item_id")


def _shown(conversation: Conversation) -> Json:
    return {
        "id": conversation.id, "object": "conversation", "created_at": conversation.created_at, "metadata": conversation.metadata,
    }


def _metadata(given: Any) -> dict[str, str]:
    """Under the rules for a request's metadata. Raises InvalidRequest."""
    checked: dict[str, str] = canonical({"input": "", "metadata": given}).get("metadata", {})
    return checked


def _items(given: Any) -> list[Json]:
    """Canonical items with what clients may have left out. Raises InvalidRequest."""
    if not isinstance(given, list):
        raise InvalidRequest("items must be an array", param="items")
    if len(given) > MOST_ITEMS:
        raise InvalidRequest(f"items holds {len(given)} items; at most {MOST_ITEMS} can be added at once", param="items")
    try:
        made = canonical_items(given)
    except InvalidRequest as error:
        told = error.info
        raise InvalidRequest(told.message.replace("input[", "items[", 1), param=(told.param or "").replace("input[", "items[", 1)) from None
    except TypeError:
        raise InvalidRequest("items holds a list or an object where a name is expected", param="items") from None
    for index, item in enumerate(made):
        if item.get("id") is not None and not isinstance(item["id"], str):
            raise InvalidRequest(f"items[{index}].id must be a string", param=f"items[{index}].id")
        if item.get("type") == "item_reference":
            raise InvalidRequest(f"items[{index}] names an item; send the item itself", param=f"items[{index}]")
    _check_numbers(made)
    return made


def _check_numbers(items: list[Json]) -> None:
    """Turns are kept as MessagePack, which has no integers beyond 64 bits. Raises InvalidRequest."""
    try:
        msgspec.msgpack.encode(items)
    except OverflowError:
        raise InvalidRequest("items holds an integer that does not fit into 64 bits", param="items") from None

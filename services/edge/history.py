"""What a request builds on: earlier responses, a conversation, items named by id. They become part of its input."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from libs.contracts.errors import InvalidRequest, NotFound
from libs.contracts.state import StoredResponse, request_id_of, response_id_of
from libs.responses.input_items import as_items
from libs.responses.item_ids import response_id_in
from libs.state.conversations import Conversations
from libs.state.responses import Responses, input_items, output_items

Json = dict[str, Any]


class Turn(Struct, frozen=True, kw_only=True):
    """A turn that is over, as the next one needs it: everything said so far."""

    response_id: str
    items: list[Json]
    stored: bool = False
    """It is stored as well; then it may only be continued as long as it is."""
    ancestors: list[str] = []
    """With its own id; of a stored turn."""


class Resolved(Struct, frozen=True, kw_only=True):
    """A request whose input holds everything that it builds on."""

    request: Json
    history: int = 0
    """Leading items of the input that come from earlier turns."""
    ancestors: list[str] = []
    """Ids of the responses that they come from, oldest first."""
    conversation: str = ""


class History:
    """Looks up what requests of any workspace build on."""

    def __init__(self, responses: Responses, conversations: Conversations) -> None:
        self._responses, self._conversations = responses, conversations

    async def resolved(self, workspace: str, request: Json, cached: Turn | None = None) -> Resolved:
        """The canonical request with its history in front of its input. `cached`: a turn that need not be looked up.

        Raises InvalidRequest and NotFound.
        """
        previous, conversation = request.get("previous_response_id"), _conversation_of(request)
        if previous is None and conversation is None:
            given = request.get("input")
            if type(given) is not list or not any(item.get("type") == "item_reference" for item in given):
                return Resolved(request=request)
            return Resolved(request=request | {"input": await self._referenced(workspace, given, [])})
        if previous is not None and conversation is not None:
            raise InvalidRequest("send either previous_response_id or conversation, not both", param="previous_response_id")
        ancestors: list[str] = []
        if conversation is not None:
            items = await self._of_conversation(workspace, conversation)
        elif cached is not None and cached.response_id == previous:
            items, ancestors = cached.items, cached.ancestors
        else:
            items, ancestors = await self._of_response(workspace, str(previous))
        own = await self._referenced(workspace, as_items(request.get("input")), items)
        _check_results([*items, *own], len(items))
        # What only a connection remembers is stored with the first turn that is, or nobody could continue that one later.
        known = len(items) if ancestors or conversation is not None else 0
        return Resolved(
            request=request | {"input": [*items, *own]}, history=known, ancestors=ancestors, conversation=conversation or "",
        )

    async def _of_response(self, workspace: str, response_id: str) -> tuple[list[Json], list[str]]:
        last = await self.stored(workspace, response_id)
        if last is None:
            raise previous_not_found(response_id)
        if not last.over:
            what = f"response '{response_id}' is still {last.status.replace('_', ' ')}; wait for its end before you continue it"
            raise InvalidRequest(what, code="previous_response_not_completed", param="previous_response_id")
        chain = await self._responses.chain(workspace, last)
        if chain is None:
            what = f"a response that '{response_id}' continues was deleted or has expired; send the conversation's items in input"
            raise InvalidRequest(what, code="previous_response_not_found", param="previous_response_id")
        items = [item for stored in chain for item in (*input_items(stored), *output_items(stored))]
        if chain[0].conversation:
            items = [*await self.before(workspace, chain[0]), *items]
        return items, [*last.ancestors, last.response_id]

    async def stored(self, workspace: str, response_id: str) -> StoredResponse | None:
        """A response that was to be stored, by response or request id."""
        request_id = request_id_of(response_id)
        if request_id is None:
            return None
        found = await self._responses.get(workspace, response_id_of(request_id))
        return found if found is not None and found.store else None

    async def before(self, workspace: str, first: StoredResponse) -> list[Json]:
        """What the conversation held before the response that a chain begins with."""
        head = await self._conversations.get(workspace, first.conversation)
        if head is None:
            return []
        held = await self._conversations.items(workspace, head)
        own = {item.get("id") for item in (*input_items(first), *output_items(first))}
        before = next((index for index, item in enumerate(held) if item.get("id") in own), len(held))
        return held[:before]

    async def _of_conversation(self, workspace: str, conversation_id: str) -> list[Json]:
        head = await self._conversations.get(workspace, conversation_id)
        if head is None:
            raise NotFound(f"Conversation with id '{conversation_id}' not found.", code="conversation_not_found", param="conversation")
        return await self._conversations.items(workspace, head)

    async def _referenced(self, workspace: str, items: Sequence[Json], history: list[Json]) -> list[Json]:
        """The items, with those that are only named by id put in their place; one that the history holds already is left out."""
        if not any(item.get("type") == "item_reference" for item in items):
            return list(items)
        there = {item.get("id") for item in history}
        looked_up: dict[str, Mapping[str, Json]] = {}
        result: list[Json] = []
        for index, item in enumerate(items):
            if item.get("type") != "item_reference":
                result.append(item)
            elif item.get("id") not in there:
                result.append(await self._item(workspace, item.get("id"), f"input[{index}]", looked_up))
        return result

    async def _item(self, workspace: str, item_id: object, where: str, looked_up: dict[str, Mapping[str, Json]]) -> Json:
        response_id = response_id_in(item_id) if isinstance(item_id, str) else None
        if response_id is not None and response_id not in looked_up:
            stored = await self.stored(workspace, response_id)
            held = [] if stored is None else [*input_items(stored), *output_items(stored)]
            looked_up[response_id] = {str(item.get("id")): item for item in held}
        found = looked_up.get(response_id or "", {}).get(str(item_id))
        if found is None:
            raise NotFound(f"Item with id '{item_id}' not found. Send the item itself.", code="item_not_found", param=f"{where}.id")
        return found


def _check_results(items: list[Json], history: int) -> None:
    """A result needs its call, which no provider can be asked about. Raises InvalidRequest."""
    calls: set[object] = set()
    for index, item in enumerate(items):
        kind = item.get("type")
        if kind in ("function_call", "custom_tool_call"):
            calls.add(item.get("call_id"))
        elif index >= history and kind in ("function_call_output", "custom_tool_call_output") and item.get("call_id") not in calls:
            raise InvalidRequest(f"No tool call found for function call output with call_id {item.get('call_id')}.", param="input")


def previous_not_found(response_id: object) -> InvalidRequest:
    """The same for an id that is unknown, deleted, expired, or another workspace's."""
    return InvalidRequest(
        f"Previous response with id '{response_id}' not found.", code="previous_response_not_found", param="previous_response_id"
    )


def _conversation_of(request: Json) -> str | None:
    given = request.get("conversation")
    if isinstance(given, dict):
        given = given.get("id")
        if not isinstance(given, str):
            raise InvalidRequest("conversation.id must be a string", param="conversation.id")
    return given

"""Keeps what is to outlive the request, before the client sees its end: the answer with this turn's input, and the conversation."""

import asyncio
import logging
from typing import Any

import msgspec
from msgspec import structs
from nats.errors import Error as NatsError

from libs.bus.service import Bus
from libs.contracts.deltas import Event
from libs.contracts.requests import Routed
from libs.contracts.state import Keeping, StoredResponse
from libs.responses.input_items import as_items
from libs.state.conversations import Conversations
from libs.state.responses import Responses, input_item_id, packed
from libs.state.store import Conflict

log = logging.getLogger("tokenrouter.keep")
Json = dict[str, Any]
PAUSES = (0.1, 0.5, 2.0)
"""Seconds between tries, before the client hears that its answer could not be kept."""
_encode = msgspec.json.Encoder().encode


class NotKept(Exception):
    """JetStream did not take it."""


async def keep(bus: Bus, message: Routed, request: Json, status: str, response: bytes, events: list[Event]) -> None:
    """Write what `message.keeping` asks for. `request`: canonical, after masking. Raises NotKept."""
    keeping = message.keeping
    if keeping is None:
        return
    stored = StoredResponse(
        request_id=message.request_id, endpoint=message.endpoint, created_at=message.created_at, status=status, store=keeping.store,
        stream=message.stream, background=keeping.background, response=response, ancestors=keeping.ancestors,
        conversation=keeping.conversation, fingerprint=keeping.fingerprint, events=packed(events) if events else b"",
        input=_encode(own_input(request, keeping)),
    )
    for pause in (*PAUSES, None):
        try:
            await _write(bus, message.workspace, stored, keeping)
            return
        except (NatsError, TimeoutError) as error:
            log.warning("not kept yet", extra={"request_id": message.request_id, "error": type(error).__name__})
            if pause is None:
                raise NotKept from error
            await asyncio.sleep(pause)


async def _write(bus: Bus, workspace: str, stored: StoredResponse, keeping: Keeping) -> None:
    if keeping.background:
        if not await _end(bus.responses, workspace, stored):
            return
    else:
        await bus.responses.put(workspace, stored)
    # The client sends a failed turn again, which would then stand there twice.
    if keeping.conversation and stored.status != "failed":
        await _append(bus.conversations, workspace, stored)


async def _end(responses: Responses, workspace: str, stored: StoredResponse) -> bool:
    """Whether this is how it ended. A background response was there before: deleted or cancelled in the meantime, it stays so."""
    while True:
        found = await responses.get_with_revision(workspace, stored.response_id)
        if found is None:
            return False
        if found[0].over:
            # An earlier try may have written it before it failed.
            return found[0].response == stored.response
        try:
            await responses.put(workspace, structs.replace(stored, created_at=found[0].created_at), expect=found[1])
            return True
        except Conflict:
            continue


async def _append(conversations: Conversations, workspace: str, stored: StoredResponse) -> None:
    """This turn's input and output. A conversation that was deleted in the meantime stays deleted."""
    given = msgspec.json.decode(stored.input)
    said = msgspec.json.decode(stored.response).get("output") or []
    items = [item if item.get("id") else item | {"id": input_item_id(stored, item, index)} for index, item in enumerate(given)]
    await conversations.append(workspace, stored.conversation, [*items, *said])


def own_input(request: Json, keeping: Keeping) -> list[Json]:
    """This turn's input as items, without those of earlier turns."""
    return as_items(request.get("input"))[keeping.history :]

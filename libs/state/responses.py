"""Stored responses: one value each, under workspace and response id."""

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

from libs.contracts import subjects
from libs.contracts.deltas import Event
from libs.contracts.state import EventLog, StoredResponse
from libs.state.store import Store

IDEMPOTENT_SECONDS = 24 * 3600
MOST_EVENT_BYTES = 2 << 20
"""Events beyond this are not kept one by one; the answer is streamed again in fewer, larger ones."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredResponse).decode
_decode_events = msgspec.msgpack.Decoder(EventLog).decode
_decode_items = msgspec.json.Decoder(list[dict[str, Any]]).decode
_decode_response = msgspec.json.Decoder(dict[str, Any]).decode
Json = dict[str, Any]


class Responses:
    """The stored responses of all workspaces."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, workspace: str, response_id: str) -> StoredResponse | None:
        """A response as it is now."""
        found = await self.get_with_revision(workspace, response_id)
        return None if found is None else found[0]

    async def get_with_revision(self, workspace: str, response_id: str) -> tuple[StoredResponse, int] | None:
        """A response, and the revision that a change must name."""
        value = await self._store.get(subjects.stored_response(workspace, response_id))
        return None if value is None else (_decode(value.data), value.revision)

    async def chain(self, workspace: str, last: StoredResponse) -> list[StoredResponse] | None:
        """The responses that `last` continues, oldest first, and `last` itself; None when one of them is gone."""
        names = [subjects.stored_response(workspace, response_id) for response_id in last.ancestors]
        found = await self._store.get_many(names)
        if len(found) < len(names):
            return None
        return [*(_decode(found[name]) for name in names), last]

    async def put(self, workspace: str, stored: StoredResponse, *, expect: int | None = None) -> int:
        """Write a response. Raises Conflict when it is no longer at revision `expect`."""
        subject = subjects.stored_response(workspace, stored.response_id)
        ttl = None if stored.store else IDEMPOTENT_SECONDS
        return await self._store.put(subject, _encode(stored), expect=expect, ttl=ttl)

    async def delete(self, workspace: str, response_id: str) -> bool:
        """Whether there was one."""
        return await self._store.delete(subjects.stored_response(workspace, response_id))


def packed(events: Sequence[Event]) -> bytes:
    """Events as they are kept: a long stream repeats itself and shrinks to a twentieth, for 1 ms per 100 KB."""
    if sum(len(event.data) for event in events) > MOST_EVENT_BYTES:
        return b""
    return zlib.compress(_encode(EventLog(events=list(events))), 1)


def unpacked(events: bytes) -> list[Event]:
    """The events that `packed` took."""
    return _decode_events(zlib.decompress(events)).events if events else []


def input_items(stored: StoredResponse) -> list[Json]:
    """This turn's input, each item with an id."""
    items = _decode_items(stored.input)
    return [item if item.get("id") else item | {"id": input_item_id(stored, item, index)} for index, item in enumerate(items)]


def output_items(stored: StoredResponse) -> list[Json]:
    """What was answered."""
    output = _decode_response(stored.response).get("output")
    return output if isinstance(output, list) else []


def input_item_id(stored: StoredResponse, item: Json, index: int) -> str:
    """Always the same for the same item, and telling of its response; a hex digit more than those of output items."""
    return f"{id_prefix(item)}_tr{stored.response_id.removeprefix('resp_')}i{index:x}"


def id_prefix(item: Json) -> str:
    """As ids of this kind of item begin at OpenAI."""
    return _PREFIXES.get(str(item.get("type", "message")), "item")


_PREFIXES = {
    "message": "msg", "reasoning": "rs", "function_call": "fc", "function_call_output": "fco", "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco", "web_search_call": "ws", "file_search_call": "fs", "compaction": "cmp",
}


def ended(stored: StoredResponse, status: str, response: Json) -> StoredResponse:
    """The record of a background response that is over."""
    return structs.replace(stored, status=status, response=msgspec.json.encode(response))

"""Conversations: a head that counts its turns, and a value for each turn, so that adding one costs the same at any length."""

import time
from secrets import token_hex
from typing import Any

import msgspec
from msgspec import structs

from libs.contracts import subjects
from libs.contracts.state import Conversation, Turn
from libs.state.responses import id_prefix
from libs.state.store import Conflict, Store

Json = dict[str, Any]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Conversation).decode
# As JSON: a client's item may hold a number that is too large for MessagePack.
_encode_turn = msgspec.json.Encoder().encode
_decode_turn = msgspec.json.Decoder(Turn).decode


class Conversations:
    """The conversations of all workspaces."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, workspace: str, metadata: dict[str, str], items: list[Json]) -> Conversation:
        """A new conversation, with its first items."""
        made = Conversation(id=f"conv_{token_hex(24)}", created_at=int(time.time()), metadata=metadata, turns=1 if items else 0)
        if items:
            await self._write_turn(workspace, made.id, 0, items, expect=0)
        await self._store.put(subjects.conversation(workspace, made.id), _encode(made), expect=0)
        return made

    async def get(self, workspace: str, conversation_id: str) -> Conversation | None:
        """A conversation as it is now."""
        if not is_conversation_id(conversation_id):
            return None
        value = await self._store.get(subjects.conversation(workspace, conversation_id))
        return None if value is None else _decode(value.data)

    async def items(self, workspace: str, conversation: Conversation) -> list[Json]:
        """All items, oldest first. Turns older than the retention are gone."""
        names = [subjects.turn(workspace, conversation.id, number) for number in range(conversation.turns)]
        found = await self._store.get_many(names)
        return [item for name in names if name in found for item in _decode_turn(found[name]).items]

    async def append(self, workspace: str, conversation_id: str, items: list[Json]) -> list[Json] | None:
        """Add items at the end, and return them with their ids; None when the conversation is gone."""
        if not is_conversation_id(conversation_id):
            return None
        items = with_ids(items)
        written: int | None = None
        while True:
            value = await self._store.get(subjects.conversation(workspace, conversation_id))
            if value is None:
                if written is not None:
                    await self._store.delete(subjects.turn(workspace, conversation_id, written))
                return None
            head = _decode(value.data)
            try:
                if written is None:
                    await self._write_turn(workspace, conversation_id, head.turns, items, expect=0)
                    written = head.turns
                # Others who add at the same time have taken the numbers in between.
                head = structs.replace(head, turns=max(head.turns, written + 1))
                await self._store.put(subjects.conversation(workspace, conversation_id), _encode(head), expect=value.revision)
                return items
            except Conflict:
                if written is not None:
                    continue
                if await self._is_there(workspace, conversation_id, head.turns, items):
                    # Our own: an earlier try failed after it had written them.
                    written = head.turns
                else:
                    # The number is taken by a turn that its writer has not counted yet: count it for him.
                    await self._count(workspace, conversation_id, head.turns + 1)

    async def update(self, workspace: str, conversation_id: str, metadata: dict[str, str]) -> Conversation | None:
        """Replace the metadata; None when the conversation is gone."""
        if not is_conversation_id(conversation_id):
            return None
        while True:
            value = await self._store.get(subjects.conversation(workspace, conversation_id))
            if value is None:
                return None
            head = structs.replace(_decode(value.data), metadata=metadata)
            try:
                await self._store.put(subjects.conversation(workspace, conversation_id), _encode(head), expect=value.revision)
            except Conflict:
                continue
            return head

    async def delete_item(self, workspace: str, conversation: Conversation, item_id: str) -> bool:
        """Whether there was one with that id."""
        return any([await self._cut(subjects.turn(workspace, conversation.id, number), item_id) for number in range(conversation.turns)])

    async def delete(self, workspace: str, conversation_id: str) -> bool:
        """Remove a conversation with everything in it; whether there was one."""
        if not is_conversation_id(conversation_id):
            return False
        there = await self._store.delete(subjects.conversation(workspace, conversation_id))
        await self._store.purge(subjects.turn(workspace, conversation_id, "*"))
        return there

    async def _cut(self, subject: str, item_id: str) -> bool:
        """Take an item out of a turn; whether it was there."""
        while True:
            value = await self._store.get(subject)
            items = [] if value is None else _decode_turn(value.data).items
            left = [item for item in items if item.get("id") != item_id]
            if value is None or len(left) == len(items):
                return False
            try:
                await self._store.put(subject, _encode_turn(Turn(items=left)), expect=value.revision)
            except Conflict:
                continue
            return True

    async def _is_there(self, workspace: str, conversation_id: str, number: int, items: list[Json]) -> bool:
        value = await self._store.get(subjects.turn(workspace, conversation_id, number))
        return value is not None and _decode_turn(value.data).items == items

    async def _write_turn(self, workspace: str, conversation_id: str, number: int, items: list[Json], *, expect: int) -> None:
        await self._store.put(subjects.turn(workspace, conversation_id, number), _encode_turn(Turn(items=with_ids(items))), expect=expect)

    async def _count(self, workspace: str, conversation_id: str, turns: int) -> None:
        value = await self._store.get(subjects.conversation(workspace, conversation_id))
        if value is None:
            return
        head = _decode(value.data)
        if head.turns < turns:
            try:
                counted = structs.replace(head, turns=turns)
                await self._store.put(subjects.conversation(workspace, conversation_id), _encode(counted), expect=value.revision)
            except Conflict:
                return


def with_ids(items: list[Json]) -> list[Json]:
    """Each item with an id."""
    return [item if item.get("id") else item | {"id": f"{id_prefix(item)}_tr{token_hex(15)}"} for item in items]


def is_conversation_id(text: str) -> bool:
    """Ids are ours, and become part of a subject."""
    kind, _, rest = text.partition("_")
    return kind == "conv" and 0 < len(rest) <= 64 and rest.isascii() and rest.isalnum()

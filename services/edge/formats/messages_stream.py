"""The blocks of one streamed message, one after another: Anthropic's grammar has one open block, canonical items may grow side by
side. What is told of an item before its turn waits."""

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, field

from services.edge.formats.messages_items import GrowingItem, Step

Json = dict[str, Any]

_encode = msgspec.json.Encoder().encode


class _Item(Struct):
    writer: GrowingItem = field(default_factory=GrowingItem)
    waiting: list[Step] = field(default_factory=list)
    over: bool = False


class Blocks:
    """Numbers the blocks. Each method returns the events that can be sent."""

    def __init__(self) -> None:
        self._items: dict[int, _Item] = {}
        """By output index."""
        self._queue: deque[_Item] = deque()
        """Those that are not over, and those waiting for them; the first is being sent."""
        self._index = -1

    def added(self, at: int, item: Json) -> bytes:
        """An item begins."""
        if at in self._items:
            return b""
        known = self._items[at] = _Item()
        self._queue.append(known)
        return self._tell(known, known.writer.begin(item))

    def tell(self, at: int, steps: Callable[[GrowingItem], list[Step]]) -> bytes:
        """Something of an item."""
        known = self._items.get(at)
        return b"" if known is None or known.over else self._tell(known, steps(known.writer))

    def ended(self, at: int, item: Json) -> bytes:
        """An item is whole."""
        opened = self.added(at, item)
        told = self.tell(at, lambda writer: writer.end(item))
        self._items[at].over = True
        return opened + told + self._go_on()

    def close(self) -> bytes:
        """Nothing more will come: sends what waits, and closes what is open."""
        parts = []
        for known in self._queue:
            parts.append(self._rendered(known.waiting))
            if not known.over:
                parts.append(self._rendered(known.writer.cut_off()))
        self._queue.clear()
        return b"".join(parts)

    def _tell(self, known: _Item, steps: list[Step]) -> bytes:
        if self._queue and self._queue[0] is known:
            return self._rendered(steps)
        known.waiting += steps
        return b""

    def _go_on(self) -> bytes:
        """Sends what waited for the items that are over."""
        parts = []
        while self._queue and self._queue[0].over:
            self._queue.popleft()
            if self._queue:
                following = self._queue[0]
                parts.append(self._rendered(following.waiting))
                following.waiting = []
        return b"".join(parts)

    def _rendered(self, steps: list[Step]) -> bytes:
        parts = []
        for step in steps:
            if step["type"] == "content_block_start":
                self._index += 1
            parts.append(named(step["type"], step | {"index": self._index}))
        return b"".join(parts)


def named(kind: str, payload: Json) -> bytes:
    """A server-sent event of Anthropic's: its name is its type."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode({"type": kind} | payload))

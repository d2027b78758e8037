"""What a socket needs of the edge to carry out turns, and what it remembers of those that are over."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec

from libs.contracts.deltas import Event
from libs.contracts.errors import ErrorInfo
from services.edge.history import Turn

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class TurnError(Exception):
    """A turn cannot be carried out, and it has a request id. Without one a RouterError says the same."""

    def __init__(self, info: ErrorInfo, request_id: str) -> None:
        super().__init__(info.message)
        self.info, self.request_id = info, request_id


class Running(Protocol):
    """A turn that was begun."""

    response_id: str

    def events(self) -> AsyncIterator[list[Event]]:
        """All events with their data, the terminal one last. Raises RouterError or TurnError when there is no answer to end."""
        ...

    def leave(self) -> None:
        """Stop: nobody waits for the rest. Called at most once, and only before the end."""
        ...

    def turn(self) -> Turn | None:
        """After the end: what a later turn needs. None when this one failed."""
        ...


class Turns(Protocol):
    """Begins turns for one caller."""

    async def begin(self, request: Json, cached: Turn | None) -> Running:
        """`request`: a body of POST /v1/responses, `generate` and `previous_response_id` included; it may be changed.
        `cached`: the turn that it continues, if this connection holds it. Raises RouterError and TurnError."""
        ...


class Kept:
    """The latest turn of each lane of a connection, in memory alone: this is how unstored responses are continued."""

    def __init__(self, limit: int) -> None:
        """`limit`: bytes of JSON above which the turns that were longest not used are forgotten."""
        self._limit, self._held = limit, 0
        self._turns: OrderedDict[str | None, tuple[Turn, int]] = OrderedDict()

    def find(self, response_id: object) -> Turn | None:
        """A lane's latest turn; any lane may continue it."""
        for lane, (turn, _) in self._turns.items():
            if turn.response_id == response_id:
                self._turns.move_to_end(lane)
                return turn
        return None

    def keep(self, lane: str | None, turn: Turn) -> None:
        """Put a turn in the place of the lane's last one. The newest is kept whatever its size."""
        self._drop(lane)
        size = len(_encode(turn.items))
        self._turns[lane] = turn, size
        self._held += size
        while self._held > self._limit and len(self._turns) > 1:
            self._drop(next(iter(self._turns)))

    def evict(self, lane: str | None, response_id: object) -> None:
        """Forget the lane's turn if it is this one; another lane's stays."""
        held = self._turns.get(lane)
        if held is not None and held[0].response_id == response_id:
            self._drop(lane)

    def _drop(self, lane: str | None) -> None:
        _, size = self._turns.pop(lane, (None, 0))
        self._held -= size

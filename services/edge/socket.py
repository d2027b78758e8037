"""WebSocket mode of /v1/responses: one connection, turns in lanes, each lane's last turn remembered for as long as it is open."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any

from litestar.types import Receive, Send
from msgspec import Struct

from libs.contracts.errors import ErrorInfo, InternalError, InvalidRequest, RateLimited, RouterError, Unavailable
from services.edge import socket_frames as frames
from services.edge.body import ClientGone
from services.edge.socket_turns import Kept, Running, TurnError, Turns

Json = dict[str, Any]
log = logging.getLogger("tokenrouter.edge")

# https://developers.openai.com/api/docs/guides/websocket-mode
LIFETIME = 3600.0
MAX_RUNNING = 16
MAX_LANES = 32
MAX_QUEUED = 128
CACHE_FACTOR = 2
"""How many of the largest frames a connection may remember."""
# Codes after which the SDKs connect anew: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
GOING_AWAY, RESTART = 1001, 1012
TERMINAL = ("response.completed", "response.incomplete", "response.failed")
EXPIRED = InvalidRequest(
    "the connection has reached its limit of 60 minutes; open a new one to continue", code="websocket_connection_limit_reached"
).info
STOPPING = Unavailable("this edge is about to stop; open a new connection", retry_after=1).info


class Create(Struct, frozen=True):
    """A turn that is to be begun."""

    request: Json
    size: int
    """Bytes of its frame."""


class Lane:
    """Turns with the same `stream_id`, one after the other."""

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.queue: deque[Create] = deque()
        self.task: asyncio.Task[None] | None = None


class Socket:
    """One connection, from the handshake to its end. The caller is known already."""

    def __init__(self, turns: Turns, receive: Receive, send: Send, *, max_bytes: int, lifetime: float = LIFETIME) -> None:
        """`max_bytes`: of a frame, and of all that wait. `lifetime`: seconds."""
        self._turns, self._receive, self._send = turns, receive, send
        self._max_bytes, self._lifetime = max_bytes, lifetime
        self._lanes: dict[str | None, Lane] = {}
        self._kept = Kept(CACHE_FACTOR * max_bytes)
        self._slots = asyncio.Semaphore(MAX_RUNNING)
        self._retiring = asyncio.Event()
        self._refusal: ErrorInfo | None = None
        self._closed = False

    async def run(self) -> None:
        """Accept the connection and serve it until either side ends it."""
        await self._receive()
        await self._send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        ends = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._grow_old())]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in done:
                end.result()
        finally:
            self._closed = True
            await _stop([*ends, *self._working()])

    def retire(self) -> None:
        """Begin nothing new, and close when what runs is over."""
        self._retiring.set()

    async def _read(self) -> None:
        while True:
            message: Any = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            try:
                await self._take(text.encode() if text is not None else message.get("bytes") or b"")
            except ClientGone:
                return

    async def _take(self, data: bytes) -> None:
        name: str | None = None
        try:
            event = frames.decode(data, self._max_bytes)
            name = frames.lane_of(event)
            if event.get("type") == "response.steer":
                await self._put(frames.steer_failed_frame(event))
                return
            self._enqueue(name, Create(frames.request_of(event), len(data)))
        except RouterError as error:
            await self._put(frames.error_frame(error.info, name))

    def _enqueue(self, name: str | None, create: Create) -> None:
        if self._refusal is not None:
            raise _as_error(self._refusal)
        waiting = [queued.size for lane in self._lanes.values() for queued in lane.queue]
        if len(waiting) >= MAX_QUEUED or (waiting and sum(waiting) + create.size > self._max_bytes):
            raise RateLimited("too many turns wait on this connection; send more when some are over", code="websocket_queue_full")
        lane = self._lane(name)
        lane.queue.append(create)
        if lane.task is None or lane.task.done():
            lane.task = asyncio.ensure_future(self._work(lane))

    def _lane(self, name: str | None) -> Lane:
        lane = self._lanes.get(name)
        if lane is None:
            if name is not None and len(self._lanes.keys() - {None}) >= MAX_LANES:
                raise InvalidRequest(
                    f"a connection takes {MAX_LANES} different stream_ids; use one of them again, or open another connection",
                    code="websocket_stream_limit_reached", param="stream_id",
                )
            lane = self._lanes[name] = Lane(name)
        return lane

    async def _work(self, lane: Lane) -> None:
        try:
            while lane.queue:
                async with self._slots:
                    if lane.queue:
                        await self._carry_out(lane.name, lane.queue.popleft().request)
        except ClientGone:
            return

    async def _carry_out(self, lane: str | None, request: Json) -> None:
        previous = request.get("previous_response_id")
        try:
            running = await self._turns.begin(request, self._kept.find(previous))
            last = await self._relay(running, lane)
            turn = running.turn()
            # Before the last frame goes out: who has it may continue this turn from another lane at once.
            if turn is not None:
                self._kept.keep(lane, turn)
            else:
                self._kept.evict(lane, previous)
        except ClientGone:
            raise
        except Exception as error:
            self._kept.evict(lane, previous)
            last = _failed(error, lane)
        await self._put(last)

    async def _relay(self, running: Running, lane: str | None) -> str:
        """Send a turn's events but the terminal one, which is returned."""
        last, number, over = "", 0, False
        try:
            async for events in running.events():
                for event in events:
                    frame = frames.event_frame(event, number, lane)
                    number += 1
                    if event.type in TERMINAL:
                        last = frame
                    else:
                        await self._put(frame)
            over = True
        except (RouterError, TurnError):
            over = True
            raise
        finally:
            if not over:
                running.leave()
        if not last:
            raise InternalError("the answer ended without its last event")
        return last

    async def _grow_old(self) -> None:
        """Close the connection when its time is over or it is to retire, after the turns that run."""
        try:
            async with asyncio.timeout(self._lifetime):
                await self._retiring.wait()
            self._refusal, code = STOPPING, RESTART
        except TimeoutError:
            self._refusal, code = EXPIRED, GOING_AWAY
        try:
            for lane in self._lanes.values():
                while lane.queue:
                    lane.queue.popleft()
                    await self._put(frames.error_frame(self._refusal, lane.name))
            while working := self._working():
                await asyncio.wait(working)
            if code == GOING_AWAY:
                await self._put(frames.error_frame(self._refusal))
            self._closed = True
            await self._send({"type": "websocket.close", "code": code, "reason": self._refusal.message})
        except (ClientGone, OSError):
            return

    async def _put(self, frame: str) -> None:
        """Send a frame. Raises ClientGone."""
        if self._closed:
            raise ClientGone
        try:
            await self._send({"type": "websocket.send", "bytes": None, "text": frame})
        except OSError:
            raise ClientGone from None

    def _working(self) -> list[asyncio.Task[None]]:
        return [lane.task for lane in self._lanes.values() if lane.task is not None and not lane.task.done()]


def _failed(error: Exception, lane: str | None) -> str:
    match error:
        case RouterError():
            return frames.error_frame(error.info, lane)
        case TurnError():
            return frames.error_frame(error.info, lane, error.request_id)
    log.error("a turn failed", exc_info=error)
    return frames.error_frame(InternalError("the router failed; its log says why").info, lane)


def _as_error(info: ErrorInfo) -> RouterError:
    error = RouterError(info.message)
    error.info = info
    return error


async def _stop(tasks: Iterable[asyncio.Future[None]]) -> None:
    """Cancel tasks and wait until they are over."""
    pending = [task for task in tasks if not task.done()]
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)

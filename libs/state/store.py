"""Values by subject in a JetStream stream that keeps the last one of each: read your own write, on any process, at once.

Reads of what may have changed go to the stream's leader: a direct get may be answered by a replica that is behind
(https://docs.nats.io/nats-concepts/jetstream/streams, `AllowDirect`). Values over the inline limit wait in the object store.
"""

import json
import uuid
from collections.abc import Sequence

from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.errors import BadRequestError, NotFoundError, ObjectNotFoundError, ServerError
from nats.js.object_store import ObjectStore

# NATS refuses payloads over 1 MiB by default.
INLINE_LIMIT = 512 * 1024
BATCH = 256
"""Subjects asked for at once; a server takes 1,024."""
SILENCE = 5.0
"""Seconds without a piece of the answer after which a read has failed."""
_INLINE, _CLAIM = b"\x00", b"\x01"
_WRONG_SEQUENCE, _NOT_DELETED = 10071, 10057


class Conflict(Exception):
    """Somebody else changed the value first."""


class Value(Struct, frozen=True):
    """A value, and the revision to name when it is changed."""

    data: bytes
    revision: int


class Store:
    """One stream, and the bucket that holds its large values."""

    def __init__(self, connection: Client, js: JetStreamContext, stream: str, bucket: str) -> None:
        self._connection, self._js, self._stream, self._bucket = connection, js, stream, bucket
        self._objects: ObjectStore | None = None

    async def get(self, subject: str) -> Value | None:
        """The value as its last writer left it."""
        lost = 0
        while True:
            try:
                message = await self._js.get_last_msg(self._stream, subject)
            except NotFoundError:
                return None
            data, revision = await self._whole(message.data or b""), message.seq or 0
            if data is not None:
                return Value(data, revision)
            if revision == lost:
                return None
            # Its object is gone: either a newer value has taken its place meanwhile, or the object has expired.
            lost = revision

    async def get_many(self, subjects: Sequence[str]) -> dict[str, bytes]:
        """Values that never change once they are there, by subject; those that are not there are missing."""
        raw: dict[str, bytes] = {}
        for at in range(0, len(subjects), BATCH):
            raw |= await self._batch(subjects[at : at + BATCH])
        found: dict[str, bytes] = {}
        for subject in dict.fromkeys(subjects):
            if subject in raw:
                data = await self._whole(raw[subject])
            else:
                # A replica that is behind would not know it yet; the leader does.
                value = await self.get(subject)
                data = None if value is None else value.data
            if data is not None:
                found[subject] = data
        return found

    async def put(self, subject: str, data: bytes, *, expect: int | None = None, ttl: int | None = None) -> int:
        """Write, and return the new revision. `expect`: the revision that this replaces, 0 for none yet. `ttl`: seconds it lives,
        where that is less than the stream's retention. The bytes of a replaced value are overwritten where `expect` names it.

        Raises Conflict.
        """
        payload = await self._stowed(data)
        replaced = await self._at(expect) if expect else b""
        headers: dict[str, str] = {}
        if expect is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(expect)
        if ttl is not None:
            headers["Nats-TTL"] = f"{ttl}s"
        try:
            done = await self._js.publish(subject, payload, stream=self._stream, headers=headers)
        except BadRequestError as error:
            await self._forget(payload)
            if error.err_code == _WRONG_SEQUENCE:
                raise Conflict(subject) from None
            raise
        await self._forget(replaced)
        return done.seq

    async def delete(self, subject: str) -> bool:
        """Remove a value so that its bytes are overwritten; whether there was one."""
        there = False
        while True:
            try:
                message = await self._js.get_last_msg(self._stream, subject)
            except NotFoundError:
                return there
            there = True
            try:
                await self._js.delete_msg(self._stream, message.seq or 0)
            except ServerError as error:
                if error.err_code != _NOT_DELETED:
                    raise
                # Somebody has replaced or deleted it since it was looked up.
            else:
                await self._forget(message.data or b"")

    async def subjects(self, pattern: str) -> list[str]:
        """Those with a value that match a pattern."""
        info = await self._js.stream_info(self._stream, subjects_filter=pattern)
        return list(info.state.subjects or {})

    async def purge(self, pattern: str) -> None:
        """Remove every value that matches a pattern."""
        for subject in await self.subjects(pattern):
            await self.delete(subject)

    async def _batch(self, subjects: Sequence[str]) -> dict[str, bytes]:
        """Last values of many subjects for one request. nats-py has no call for it.

        https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
        """
        if not subjects:
            return {}
        found: dict[str, bytes] = {}
        inbox = self._connection.new_inbox()
        subscription = await self._connection.subscribe(inbox)
        try:
            question = json.dumps({"multi_last": list(subjects)}).encode()
            await self._connection.publish(f"$JS.API.DIRECT.GET.{self._stream}", question, reply=inbox)
            while True:
                message: Msg = await subscription.next_msg(SILENCE)
                headers = message.headers or {}
                if headers.get("Status"):
                    return found
                found[headers["Nats-Subject"]] = message.data
        except (TimeoutError, NatsTimeout):
            # The leader is asked one by one for what did not come.
            return found
        finally:
            await subscription.unsubscribe()

    async def _whole(self, payload: bytes) -> bytes | None:
        """The value's bytes; None when the object that held them is gone."""
        if not payload.startswith(_CLAIM):
            return payload[1:]
        try:
            return await self._object(payload[1:].decode())
        except (ObjectNotFoundError, NotFoundError):
            return None

    async def _object(self, name: str) -> bytes:
        """An object's bytes, chunk by chunk: nats-py's own read waits for ever when the object is deleted meanwhile.

        Raises NotFoundError or ObjectNotFoundError. https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-20.md
        """
        info = await (await self._open()).get_info(name)
        whole, at = bytearray(), 1
        while len(whole) < (info.size or 0):
            chunk = await self._js.get_msg(f"OBJ_{self._bucket}", at, subject=f"$O.{self._bucket}.C.{info.nuid}", next=True)
            whole += chunk.data or b""
            at = (chunk.seq or 0) + 1
        return bytes(whole)

    async def _stowed(self, data: bytes) -> bytes:
        """What stands on the stream for a value."""
        if len(data) <= INLINE_LIMIT:
            return _INLINE + data
        name = uuid.uuid4().hex
        await (await self._open()).put(name, data)
        return _CLAIM + name.encode()

    async def _at(self, revision: int) -> bytes:
        try:
            return (await self._js.get_msg(self._stream, revision)).data or b""
        except NotFoundError:
            return b""

    async def _forget(self, payload: bytes) -> None:
        """Remove the object that held a value, if one did."""
        if not payload.startswith(_CLAIM):
            return
        try:
            await (await self._open()).delete(payload[1:].decode())
        except (ObjectNotFoundError, NotFoundError):
            return

    async def _open(self) -> ObjectStore:
        if self._objects is None:
            self._objects = await self._js.object_store(self._bucket)
        return self._objects

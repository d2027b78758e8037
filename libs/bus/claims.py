"""Claim check: bytes above a threshold wait in the object store while a small message travels."""

import uuid

from nats.js import JetStreamContext
from nats.js.object_store import ObjectStore

from libs.contracts import subjects
from libs.contracts.message import Body

# NATS refuses payloads over 1 MiB by default; the rest of the message needs room too.
INLINE_LIMIT = 512 * 1024


class Claims:
    """The object store behind large bodies. Objects expire after an hour; their owner deletes them sooner."""

    def __init__(self, js: JetStreamContext) -> None:
        self._js = js
        self._store: ObjectStore | None = None

    async def stow(self, data: bytes) -> Body:
        """`data` as it should travel."""
        if len(data) <= INLINE_LIMIT:
            return Body(inline=data, size=len(data))
        name = uuid.uuid4().hex
        await (await self._open()).put(name, data)
        return Body(claim=name, size=len(data))

    async def fetch(self, body: Body) -> bytes:
        """The bytes of `body`, from wherever they are."""
        if not body.claim:
            return body.inline
        result = await (await self._open()).get(body.claim)
        return result.data or b""

    async def discard(self, body: Body) -> None:
        """Delete a claim that nobody needs any more."""
        if body.claim:
            await (await self._open()).delete(body.claim)

    async def _open(self) -> ObjectStore:
        if self._store is None:
            self._store = await self._js.object_store(subjects.CLAIMS_BUCKET)
        return self._store

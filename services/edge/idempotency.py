"""Idempotency keys: the same key and body get the same answer, from one provider call, whoever of the processes dies on the way.

A key is claimed in JetStream before the request is dispatched; its answer is the stored response of the request that claimed it,
which the worker writes before the client sees the end. So a claim needs no second write when all goes well.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Any

import msgspec

from libs.contracts import subjects
from libs.contracts.errors import Conflict as ConflictError
from libs.contracts.errors import InvalidRequest
from libs.contracts.state import Idempotency, StoredResponse, request_id_of, response_id_of
from libs.state.responses import IDEMPOTENT_SECONDS, Responses
from libs.state.store import Conflict, Store

MAX_KEY = 255
WAIT = 55.0
"""Seconds that a repetition waits for the first one; clients give up after 60."""
POLL_FIRST, POLL_MOST = 0.05, 0.5
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Idempotency).decode

Working = Callable[[Idempotency], bool]
"""Whether somebody still works on the request that holds a claim."""


class IdempotencyKeys:
    """The claims of all workspaces."""

    def __init__(self, store: Store, responses: Responses, edge: str, working: Working) -> None:
        self._store, self._responses, self._edge, self._working = store, responses, edge, working

    async def claim(self, workspace: str, key: str, fingerprint: str, request_id: str) -> StoredResponse | None:
        """The answer to repeat; None when this request is the one to carry out. Raises Conflict for another body, and after a wait
        for one that is still at work."""
        issued = await self._by_issued_key(workspace, key)
        if issued is not None:
            return _same(issued, fingerprint)
        subject = _subject(workspace, key)
        mine = _encode(Idempotency(fingerprint=fingerprint, request_id=request_id, edge=self._edge, at=time.time()))
        until, pause = time.monotonic() + WAIT, POLL_FIRST
        while True:
            found = await self._store.get(subject)
            if found is None:
                if await self._take(subject, mine, 0):
                    return None
                continue
            claim = _decode(found.data)
            if claim.fingerprint != fingerprint:
                raise other_body()
            stored = await self._responses.get(workspace, response_id_of(claim.request_id))
            if stored is not None and (stored.status != "failed" or stored.background):
                return stored
            if stored is not None or not self._working(claim):
                # It failed, or died with its edge: this one tries anew.
                if await self._take(subject, mine, found.revision):
                    return None
                continue
            if time.monotonic() > until:
                raise ConflictError("a request with this idempotency key is still at work", code="idempotency_key_in_use", retry_after=2)
            await asyncio.sleep(pause)
            pause = min(pause * 2, POLL_MOST)

    async def release(self, workspace: str, key: str, request_id: str) -> None:
        """Give up the claim of a request that ended without an answer."""
        subject = _subject(workspace, key)
        found = await self._store.get(subject)
        if found is None or _decode(found.data).request_id != request_id:
            return
        if await self._responses.get(workspace, response_id_of(request_id)) is None:
            await self._store.delete(subject)

    async def _take(self, subject: str, claim: bytes, revision: int) -> bool:
        try:
            await self._store.put(subject, claim, expect=revision)
        except Conflict:
            return False
        return True

    async def _by_issued_key(self, workspace: str, key: str) -> StoredResponse | None:
        """A key that we issued names its request."""
        request_id = request_id_of(key) if key.startswith("idem_") else None
        if request_id is None:
            return None
        stored = await self._responses.get(workspace, response_id_of(request_id))
        if stored is None or not stored.fingerprint or time.time() - stored.created_at > IDEMPOTENT_SECONDS:
            return None
        return stored


def checked(key: str | None) -> str:
    """The client's key, or an empty one. Raises InvalidRequest."""
    if key is None:
        return ""
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise InvalidRequest(f"Idempotency-Key must have 1 to {MAX_KEY} printable characters", param="Idempotency-Key")
    return key


def fingerprint_of(endpoint: str, body: dict[str, Any]) -> str:
    """The same for the same body, however it is written."""
    return hashlib.sha256(endpoint.encode() + b"\n" + msgspec.json.encode(body, order="sorted")).hexdigest()


def other_body() -> ConflictError:
    return ConflictError(
        "this idempotency key was used with another body; use a new key for a new request", code="idempotency_key_reused",
        param="Idempotency-Key", should_retry=False,
    )


def _same(stored: StoredResponse, fingerprint: str) -> StoredResponse:
    if stored.fingerprint != fingerprint:
        raise other_body()
    return stored


def _subject(workspace: str, key: str) -> str:
    return subjects.idempotency(workspace, hashlib.sha256(key.encode()).hexdigest())

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
from msgspec import structs

from libs.contracts import subjects
from libs.contracts.errors import Conflict as ConflictError
from libs.contracts.errors import InvalidRequest
from libs.contracts.state import Idempotency, StoredResponse, request_id_of, response_id_of
from libs.state.responses import IDEMPOTENT_SECONDS, Responses
from libs.state.store import Conflict, Store
from services.edge.ids import sibling

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

    async def claim(self, workspace: str, key: str, fingerprint: str, request_id: str, *, count: int = 1) -> StoredResponse | None:
        """The first of the `count` answers to repeat, all of which are there; None when this request is the one to carry out. Raises
        Conflict for another body, and after a wait for one that is still at work."""
        issued = await self._by_issued_key(workspace, key, count)
        if issued is not None:
            return _same(issued, fingerprint)
        subject = _subject(workspace, key)
        mine = Idempotency(fingerprint=fingerprint, request_id=request_id, edge=self._edge, at=0.0)
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
            # Asked first: who is no longer at work has written its answers.
            working = self._working(claim)
            answers = await self.answers(workspace, claim.request_id, count)
            whole = len(answers) == count
            if whole and all(stored.status != "failed" or stored.background for stored in answers):
                return answers[0]
            if whole or not working:
                # It failed, or died with its edge: this one tries anew.
                if await self._take(subject, mine, found.revision):
                    return None
                continue
            if time.monotonic() > until:
                raise ConflictError("a request with this idempotency key is still at work", code="idempotency_key_in_use", retry_after=2)
            await asyncio.sleep(pause)
            pause = min(pause * 2, POLL_MOST)

    async def answers(self, workspace: str, request_id: str, count: int) -> list[StoredResponse]:
        """Those of a request's answers that are there, in order."""
        names = [response_id_of(sibling(request_id, number)) for number in range(count)]
        found = [await self._responses.get(workspace, name) for name in names]
        return [stored for stored in found if stored is not None]

    async def release(self, workspace: str, key: str, request_id: str) -> None:
        """Give up the claim of a request that ended without an answer."""
        subject = _subject(workspace, key)
        found = await self._store.get(subject)
        if found is None or _decode(found.data).request_id != request_id:
            return
        if await self._responses.get(workspace, response_id_of(request_id)) is None:
            await self._store.delete(subject)

    async def _take(self, subject: str, mine: Idempotency, revision: int) -> bool:
        try:
            # What it waited for may have taken longer than the others think a claim without a flight may last.
            await self._store.put(subject, _encode(structs.replace(mine, at=time.time())), expect=revision)
        except Conflict:
            return False
        return True

    async def _by_issued_key(self, workspace: str, key: str, count: int) -> StoredResponse | None:
        """A key that we issued names its request."""
        request_id = request_id_of(key) if key.startswith("idem_") else None
        if request_id is None:
            return None
        answers = await self.answers(workspace, request_id, count)
        too_old = time.time() - IDEMPOTENT_SECONDS
        if len(answers) < count or not all(stored.fingerprint and stored.created_at >= too_old for stored in answers):
            return None
        return answers[0]


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


def repeated_headers(key: str) -> dict[str, str]:
    """What tells a client that it has the answer to its earlier request."""
    return {"idempotency-key": key, "x-tokenrouter-repeated": "true"}


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

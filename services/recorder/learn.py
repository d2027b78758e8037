"""Learns from feedback: once in a while, for each workspace whose policy says so, the ledger's ratings become the KV value that
routers go by."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import structs
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from libs.bus.buckets import values_of
from libs.contracts import subjects
from libs.contracts.policies import Learned, RoutingPolicy
from libs.contracts.queries import SqlQuery
from libs.contracts.reading import FAMILIES
from libs.routing.learn import REACH, Quality, learn
from services.recorder.learn_query import ratings_in, ratings_query

log = logging.getLogger("tokenrouter.learning")

FIRST = 60.0
"""Seconds after the start at which it first looks, where the interval is longer: recorders may be restarted more often than that."""
Ask = Callable[[SqlQuery], Awaitable[bytes]]
"""Asks the ledger. Raises BadQuery or QueryFailed."""


class Learning:
    """Several recorders may do it at once: they find the same."""

    def __init__(self, ask: Ask, js: Callable[[], JetStreamContext], interval: float) -> None:
        """`interval`: seconds between two looks; 0 for never. `js` is asked after connecting."""
        self._ask, self._js, self._interval = ask, js, interval
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self._interval > 0:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        await asyncio.sleep(min(self._interval, FIRST))
        while True:
            try:
                await self._look()
            except Exception as error:
                log.warning("cannot learn at the moment, trying again later", extra={"error": repr(error)[:500]})
            await asyncio.sleep(self._interval)

    async def _look(self) -> None:
        js = self._js()
        bucket = await js.key_value(subjects.POLICIES_BUCKET)
        for key, entry in (await values_of(js, subjects.POLICIES_BUCKET, "policy.*")).items():
            workspace = key.partition(".")[2]
            try:
                if msgspec.json.decode(entry.value or b"{}", type=RoutingPolicy).learning:
                    await self._learn(bucket, workspace)
            except Exception as error:
                log.warning("cannot learn of a workspace", extra={"workspace": workspace, "error": repr(error)[:500]})

    async def _learn(self, bucket: KeyValue, workspace: str) -> None:
        learned = await learned_of(self._ask, workspace, time.time())
        if await write(bucket, workspace, learned):
            log.info("learned", extra={"workspace": workspace, "ratings": learned.ratings, "models": len(learned.models)})


async def learned_of(ask: Ask, workspace: str, now: float) -> Learned:
    """What the workspace's feedback says by now."""
    answer = await ask(ratings_query(workspace, now - REACH))
    return await asyncio.to_thread(lambda: learn(ratings_in(answer), prior_of, now))


async def read(bucket: KeyValue, workspace: str) -> Learned | None:
    """What is in force where the workspace's policy has it; None when nothing is."""
    try:
        entry = await bucket.get(_key(workspace))
    except KeyNotFoundError:
        return None
    return msgspec.json.decode(entry.value or b"", type=Learned)


async def write(bucket: KeyValue, workspace: str, learned: Learned) -> bool:
    """Put it in force; False when that is what was there already, at whatever time it was found."""
    before = await read(bucket, workspace)
    if before is not None and structs.replace(before, at=learned.at, since=learned.since) == learned:
        return False
    await bucket.put(_key(workspace), msgspec.json.encode(learned))
    return True


async def forget(bucket: KeyValue, workspace: str) -> None:
    """Put the catalog in force again."""
    await bucket.delete(_key(workspace))


def prior_of(name: str) -> Quality | None:
    """The catalog's word on `provider/model`."""
    # The price list comes with it: 26 MB, which a recorder that has nothing to learn does without.
    from libs.catalog.models import find

    provider, _, model = name.partition("/")
    found = find(provider, model)
    return None if found is None else dict(zip(FAMILIES, found.families, strict=True))


def _key(workspace: str) -> str:
    return f"learned.{workspace}"

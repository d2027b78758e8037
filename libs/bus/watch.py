"""Policies in memory: a KV bucket's values, kept current, with the last good value of each key in force.

A nats-py watcher does not survive a restart of its server (its ephemeral consumer is gone and nothing says so), so the
watch begins anew after every reconnect and compares what it finds with what it had.
"""

import asyncio
import logging
from collections.abc import Callable

from nats.js import JetStreamContext
from nats.js.kv import KeyValue

from libs.bus import metrics
from libs.bus.buckets import values_of

log = logging.getLogger("tokenrouter.policies")

Apply = Callable[[str, bytes | None, int], None]
"""Called with key, value (None: deleted) and revision. Raising keeps the former value in force."""


class Watch:
    """Follows the keys of a bucket that start with `prefix` (a subject pattern such as `firewall.*`, or `>`)."""

    def __init__(self, bucket: str, pattern: str, apply: Apply, *, threaded: bool = False) -> None:
        """`threaded`: `apply` takes long, so it is called in a thread, one call after the other."""
        self.bucket = bucket
        self._threaded = threaded
        self.revision = 0
        self._pattern = pattern
        self._apply = apply
        self._known: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._loaded = asyncio.Event()

    async def start(self, js: JetStreamContext) -> None:
        """Begin to follow; returns when every present value has been applied."""
        self._js = js
        self._loaded.clear()
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._follow())
        await self._loaded.wait()

    async def _follow(self) -> None:
        while True:
            try:
                await self._follow_once()
            except Exception as error:
                log.warning("policy watch broke, starting again", extra={"bucket": self.bucket, "error": type(error).__name__})
                await asyncio.sleep(0.25)

    async def _follow_once(self) -> None:
        store = await self._js.key_value(self.bucket)
        # The watcher first and the values next: what changes in between comes twice, and the older revision is passed over.
        watcher = await store.watch(self._pattern)
        try:
            await self._load()
            self._loaded.set()
            async for entry in watcher:
                if entry is not None:
                    deleted = entry.operation in ("DEL", "PURGE")
                    await self._take(entry.key, None if deleted else entry.value or b"", entry.revision or 0)
        finally:
            await _stop(watcher)

    async def _load(self) -> None:
        """Take every present value; nothing is served before this is done, so that no rule set is empty by accident."""
        values = await values_of(self._js, self.bucket, self._pattern)
        for key, entry in values.items():
            await self._take(key, entry.value or b"", entry.revision or 0)
        for gone in self._known.keys() - values.keys():
            await self._take(gone, None, self._known[gone] + 1)

    async def _take(self, key: str, value: bytes | None, revision: int) -> None:
        if revision <= self._known.get(key, 0):
            return
        try:
            if self._threaded:
                await asyncio.to_thread(self._apply, key, value, revision)
            else:
                self._apply(key, value, revision)
        except Exception:
            log.exception("a policy was not usable; the last good one stays in force", extra={"bucket": self.bucket, "key": key})
            metrics.POLICY_REFUSED.labels(self.bucket, key).set(1)
            self._known[key] = revision
            return
        metrics.POLICY_REFUSED.labels(self.bucket, key).set(0)
        if value is None:
            self._known.pop(key, None)
        else:
            self._known[key] = revision
        self.revision = max(self.revision, revision)
        metrics.POLICY_REVISION.labels(self.bucket).set(self.revision)


async def _stop(watcher: KeyValue.KeyWatcher) -> None:
    try:
        await watcher.stop()
    except Exception as error:
        log.debug("watcher was gone", extra={"error": type(error).__name__})

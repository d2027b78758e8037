"""A workspace's rules in NATS KV, changed by compare-and-set so that no edit is lost between two edges."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.errors import Conflict, Unavailable
from libs.contracts.policies import FirewallRules, RoutingRules

Rules = TypeVar("Rules", FirewallRules, RoutingRules)
Result = TypeVar("Result")
TRIES = 20


class PolicyStore(Generic[Rules]):
    """The rules of one kind; `prefix` is the KV key's first token."""

    def __init__(self, bus: Bus, prefix: str, kind: type[Rules]) -> None:
        self._bus, self._prefix = bus, prefix
        self._kind: type[Rules] = kind

    async def read(self, workspace: str) -> Rules:
        """The rules as they are now. Raises Unavailable."""
        rules, _ = await self._read(await self._bucket(), workspace)
        return rules

    async def change(self, workspace: str, edit: Callable[[Rules], tuple[Rules, Result]]) -> Result:
        """Apply `edit` to the present rules and store what it returns; tried again when another edit came first."""
        bucket = await self._bucket()
        for _ in range(TRIES):
            rules, revision = await self._read(bucket, workspace)
            changed, result = edit(rules)
            try:
                await bucket.update(f"{self._prefix}.{workspace}", msgspec.json.encode(changed), last=revision)
            except KeyWrongLastSequenceError:
                continue
            return result
        raise Conflict("the rules are being changed by others; try again")

    async def _bucket(self) -> KeyValue:
        if not self._bus.connected:
            raise Unavailable("the message bus is not reachable; try again", retry_after=2)
        return await self._bus.js.key_value(subjects.POLICIES_BUCKET)

    async def _read(self, bucket: KeyValue, workspace: str) -> tuple[Rules, int]:
        try:
            entry = await bucket.get(f"{self._prefix}.{workspace}")
        except KeyNotFoundError as missing:
            # A deleted key still has a last revision, which the next write must name.
            return self._kind(), (missing.entry.revision or 0) if missing.entry is not None else 0
        return msgspec.json.decode(entry.value or b"", type=self._kind), entry.revision or 0

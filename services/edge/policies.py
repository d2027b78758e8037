"""A workspace's rules and its routing policy in NATS KV, changed by compare-and-set so that no edit is lost between two edges."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.errors import Conflict, Unavailable

Rules = TypeVar("Rules", bound=Struct)
Result = TypeVar("Result")
TRIES = 20


class PolicyStore(Generic[Rules]):
    """The values of one kind, one for each workspace; `prefix` is the KV key's first token."""

    def __init__(self, bus: Bus, prefix: str, kind: type[Rules]) -> None:
        self._bus, self._prefix = bus, prefix
        self._kind: type[Rules] = kind

    async def read(self, workspace: str) -> Rules:
        """The value as it is now; one without any fields where there is none. Raises Unavailable."""
        found, _ = await self.find(workspace)
        return self._kind() if found is None else found

    async def find(self, workspace: str) -> tuple[Rules | None, int]:
        """The value and its revision; None and the last revision where there is none. Raises Unavailable."""
        return await self._find(await self._bucket(), workspace)

    async def change(self, workspace: str, edit: Callable[[Rules], tuple[Rules, Result]]) -> Result:
        """Apply `edit` to the present value and store what it returns; tried again when another edit came first."""
        result, _ = await self.changed(workspace, edit)
        return result

    async def changed(self, workspace: str, edit: Callable[[Rules], tuple[Rules, Result]]) -> tuple[Result, int]:
        """The same, with the revision that came of it."""
        bucket = await self._bucket()
        for _ in range(TRIES):
            found, revision = await self._find(bucket, workspace)
            changed, result = edit(self._kind() if found is None else found)
            try:
                return result, await bucket.update(f"{self._prefix}.{workspace}", msgspec.json.encode(changed), last=revision)
            except KeyWrongLastSequenceError:
                continue
        raise Conflict("the rules are being changed by others; try again")

    async def delete(self, workspace: str) -> None:
        """Remove the value, if there is one. Raises Unavailable."""
        await (await self._bucket()).delete(f"{self._prefix}.{workspace}")

    async def _bucket(self) -> KeyValue:
        if not self._bus.connected:
            raise Unavailable("the message bus is not reachable; try again", retry_after=2)
        return await self._bus.js.key_value(subjects.POLICIES_BUCKET)

    async def _find(self, bucket: KeyValue, workspace: str) -> tuple[Rules | None, int]:
        try:
            entry = await bucket.get(f"{self._prefix}.{workspace}")
        except KeyNotFoundError as missing:
            # A deleted key still has a last revision, which the next write must name.
            return None, (missing.entry.revision or 0) if missing.entry is not None else 0
        return msgspec.json.decode(entry.value or b"", type=self._kind), entry.revision or 0

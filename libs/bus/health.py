"""Who is alive: each service says so once a second, and whoever needs to know keeps the latest of each instance."""

import time
from collections.abc import Callable
from typing import Any

from faststream.nats import NatsBroker

from libs.bus.codec import decoder
from libs.contracts import subjects
from libs.contracts.health import Health, ProviderAccount

BEAT = 1.0
DEAD_AFTER = 3.5
"""Seconds of silence. Three beats may be lost or late before an instance is given up."""


class Registry:
    """The latest heartbeat of each instance."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[float, Health]] = {}
        self._accounts: tuple[float, dict[str, list[ProviderAccount]]] = (-1.0, {})
        self.on_health: list[Callable[[Health], None]] = []
        """Called with every heartbeat."""

    def note(self, health: Health) -> None:
        self._seen[health.instance] = (self._clock(), health)
        if health.providers:
            self._accounts = (-1.0, {})
        for told in self.on_health:
            told(health)

    def listen(self, broker: NatsBroker) -> None:
        """Hear every service's heartbeat, through a FastStream subscriber."""

        @broker.subscriber(subjects.HEALTH, decoder=_decode, no_reply=True)
        async def heard(health: Health) -> None:
            self.note(health)

    def alive(self, instance: str) -> bool:
        seen = self._seen.get(instance)
        return seen is not None and self._clock() - seen[0] < DEAD_AFTER

    def echoes(self, instance: str) -> bool:
        """Whether one's own heartbeat still comes back. When it does not, the bus is frozen or away, and the silence of others
        says nothing about them. Noticed a second before anyone would be taken for dead."""
        seen = self._seen.get(instance)
        return seen is not None and self._clock() - seen[0] < DEAD_AFTER - 1.0

    def lost(self, instance: str) -> bool:
        """Whether an instance was there and has fallen silent; one never heard of is not lost."""
        return instance in self._seen and not self.alive(instance)

    def runs(self, instance: str, request_id: str, *, since: float) -> bool:
        """Whether the instance's latest heartbeat names the request; true while no heartbeat is newer than `since`."""
        at, health = self._seen[instance]
        return at < since + BEAT or request_id in health.running

    def ready(self, service: str) -> bool:
        """Whether some instance of the service takes work."""
        return any(h.ready and not h.draining for h in self._fresh() if h.service == service)

    def accounts(self) -> dict[str, list[ProviderAccount]]:
        """The accounts that live workers can call, by provider, in the order in which they are tried."""
        until, accounts = self._accounts
        if self._clock() < until:
            return accounts
        accounts = self._gathered()
        # Asked for with every request; a death is noticed this much later.
        self._accounts = (self._clock() + 0.25, accounts)
        return accounts

    def _gathered(self) -> dict[str, list[ProviderAccount]]:
        found: dict[tuple[str, str], ProviderAccount] = {}
        for health in self._fresh():
            if health.draining or not health.ready:
                continue
            for account in health.providers:
                known = found.get((account.provider, account.account))
                if known is None or (account.configured and not known.configured):
                    found[account.provider, account.account] = account
        accounts: dict[str, list[ProviderAccount]] = {}
        for account in sorted(found.values(), key=lambda account: account.rank):
            accounts.setdefault(account.provider, []).append(account)
        return accounts

    def _fresh(self) -> list[Health]:
        now = self._clock()
        for instance, (at, _) in list(self._seen.items()):
            if now - at > 60.0:
                del self._seen[instance]
        return [health for at, health in self._seen.values() if now - at < DEAD_AFTER]


async def _decode(message: Any) -> Health:
    health: Health = decoder(Health).decode(message.body)
    return health

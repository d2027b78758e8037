"""A bus that keeps what is published, for tests of what goes out."""

from typing import Any

import msgspec

from libs.bus.service import Bus
from libs.contracts.deltas import Deltas
from libs.contracts.message import Body, Message
from libs.contracts.policies import FirewallRule, FirewallRules
from services.provider_worker.screening import Screens


class Stored:
    """A claim store in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def stow(self, data: bytes) -> Body:
        if len(data) <= 512 * 1024:
            return Body(inline=data, size=len(data))
        name = f"object-{len(self.objects)}"
        self.objects[name] = data
        return Body(claim=name, size=len(data))

    async def fetch(self, body: Body) -> bytes:
        return self.objects[body.claim] if body.claim else body.inline


def screens(*rules: FirewallRule) -> Screens:
    """The firewall's rules for answers of the workspace `default`, newer than any that a message came in under."""
    made = Screens()
    made.policies.apply("firewall.default", msgspec.json.encode(FirewallRules(rules=list(rules))), 1_000_000)
    return made


class Published(Bus):
    """Connected, and nobody listens."""

    def __init__(self) -> None:
        self.instance = "worker-1"
        self.online = True
        self.sent: list[tuple[str, Message]] = []
        self.store = Stored()

    @property
    def connected(self) -> bool:
        return self.online

    @property
    def claims(self) -> Any:  # type: ignore[override]
        return self.store

    async def publish(self, subject: str, message: Message, reply: str = "") -> None:
        self.sent.append((subject, message))

    @property
    def deltas(self) -> list[Deltas]:
        return [message for _, message in self.sent if isinstance(message, Deltas)]

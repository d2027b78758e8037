"""Every workspace has a firewall rule set, if only an empty one: a firewall that finds none lets nothing pass."""

import asyncio
import logging
import secrets

from msgspec import structs

from libs.bus.service import Bus
from libs.contracts.policies import FirewallRules
from services.edge.keys import Keys
from services.edge.policies import PolicyStore

log = logging.getLogger("tokenrouter.edge")


class RuleSets:
    """Makes the rule sets of the workspaces that the API keys name."""

    def __init__(self, bus: Bus, keys: Keys) -> None:
        self.store = PolicyStore(bus, "firewall", FirewallRules)
        self._made: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        keys.on_workspace.append(self._make_later)

    async def make(self, workspace: str) -> None:
        """Write an empty set where there never was one, and a salt where there is none. A set that was removed stays away: firewalls go on
        with the last good one."""
        if workspace in self._made:
            return
        rules, revision = await self.store.find(workspace)
        if (rules is None and revision == 0) or (rules is not None and not rules.salt):
            await self.store.change(workspace, _salted)
        self._made.add(workspace)

    async def settled(self) -> None:
        """Returns when the sets of all workspaces known by now are there."""
        await asyncio.gather(*self._tasks)

    def _make_later(self, workspace: str) -> None:
        if workspace not in self._made:
            task = asyncio.ensure_future(self._try(workspace))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _try(self, workspace: str) -> None:
        """Until the bus is there."""
        while True:
            try:
                await self.make(workspace)
            except Exception as error:
                log.info("no firewall rule set yet", extra={"workspace": workspace, "error": type(error).__name__})
                await asyncio.sleep(0.05)
            else:
                return


def _salted(rules: FirewallRules) -> tuple[FirewallRules, None]:
    return (rules if rules.salt else structs.replace(rules, salt=secrets.token_hex(16))), None

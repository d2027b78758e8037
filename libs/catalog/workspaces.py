"""What each workspace settles about models, in memory, kept current from the bucket of policies."""

import msgspec
from msgspec import Struct

from libs.catalog.overrides import Tailor
from libs.contracts.policies import Learned, RoutingPolicy

_policy = msgspec.json.Decoder(RoutingPolicy).decode
_learned = msgspec.json.Decoder(Learned).decode


class View(Struct, frozen=True):
    """A workspace's policy at one revision, with what was learned from its feedback."""

    policy: RoutingPolicy
    revision: int
    """Of the policy; 0 when it has none."""
    learned: Learned | None
    """Whether it counts is `policy.learning`."""
    tailor: Tailor


_NONE = View(RoutingPolicy(), 0, None, Tailor(RoutingPolicy()))


class Workspaces:
    """Takes `policy.{workspace}` and `learned.{workspace}`."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}

    def apply(self, key: str, value: bytes | None, revision: int) -> None:
        """Take a value from KV; None where it was deleted. As libs.bus.watch.Watch calls it: raising keeps the former one in force."""
        kind, _, workspace = key.partition(".")
        view = self.of(workspace)
        policy, at, learned = view.policy, view.revision, view.learned
        if kind == "policy":
            policy, at = (RoutingPolicy(), 0) if value is None else (_policy(value), revision)
        else:
            learned = None if value is None else _learned(value)
        if at or learned is not None:
            self._views[workspace] = View(policy, at, learned, Tailor(policy, learned))
        else:
            self._views.pop(workspace, None)

    def of(self, workspace: str) -> View:
        """The same object until one of the two values changes."""
        return self._views.get(workspace, _NONE)

"""Screening the events of a streamed answer under the rules for responses, pure: events in, those that may go out now back."""

from collections.abc import Mapping
from typing import Any

from libs.contracts.deltas import Event
from libs.contracts.policies import FirewallRule
from libs.firewall.answer import TextHits
from libs.firewall.enforcing import Enforcing
from libs.firewall.ruleset import Active, Hit
from libs.firewall.watching import Watching

Json = dict[str, Any]


class EventScreen:
    """One answer. `feed` its events, `finish` when no more come, then ask for its `output`. These three raise ScanTimeout, after
    which nothing may go out.

    Where rules can change the answer, text is held back (`Active.hold` characters of each text at most, more inside of a match), and
    the deltas of a text add up to what every later event and the output say of it. Other rules hold nothing back.
    """

    def __init__(self, active: Active, *, structured: bool = False) -> None:
        """`structured`: the answer's text is JSON and has to stay JSON."""
        self._way: Enforcing | Watching = (Enforcing if active.changes else Watching)(active, structured=structured)

    def feed(self, events: list[Event]) -> list[Event]:
        """Those events that may go out now: up to the match when a rule blocks, and none later."""
        return self._way.feed(events)

    def finish(self) -> list[Event]:
        """The stream is over, whole or broken off: what was held back."""
        return self._way.finish()

    def output(self, items: list[Json]) -> list[Json]:
        """The answer's output items as its stream told them; items that it never told are screened whole. Of a blocked answer, what
        went out."""
        return self._way.output(items)

    @property
    def blocked_by(self) -> FirewallRule | None:
        """The enforced rule that blocked: the caller stops the provider."""
        return self._way.blocked_by

    @property
    def found(self) -> list[TextHits]:
        """Of the texts in which rules hit, so far."""
        return self._way.found

    @property
    def hits(self) -> list[tuple[str, Hit]]:
        """Each hit with the path of its text."""
        return [(each.item, hit) for each in self.found for hit in each.hits]

    @property
    def counts(self) -> Mapping[int, int]:
        """Hits by rule id."""
        return self._way.counts

    @property
    def notes(self) -> list[str]:
        """What was left out of the answer, in words."""
        return self._way.notes

    @property
    def pending(self) -> int:
        """Characters held back."""
        return self._way.pending

    def weight(self, events: list[Event]) -> int:
        """About how many characters `feed` would look at; long ones are better fed in a thread."""
        return self.pending + sum(len(event.data) for event in events)

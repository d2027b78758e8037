"""All texts of a streamed answer, by their place in the output."""

from typing import Any

from libs.contracts.deltas import Event
from libs.contracts.policies import FirewallRule
from libs.firewall.answer import TextHits, WholeTexts
from libs.firewall.channel import Channel, head_of
from libs.firewall.event_places import WRITTEN, base_of, text_path
from libs.firewall.findings import place
from libs.firewall.output_items import streamed_json
from libs.firewall.ruleset import Active
from libs.responses.text import Path

Json = dict[str, Any]

NOWHERE: Path = ("output",)
"""The item of what names none."""


class Channels:
    """For one answer: its texts that come in pieces, and in `whole` those that are known whole. `structured`: text parts are JSON."""

    def __init__(self, active: Active, *, structured: bool) -> None:
        self.whole = WholeTexts(active)
        self.blocked_by: FirewallRule | None = None
        self._active, self._structured = active, structured
        self._all: list[Channel] = []
        self._open: dict[int, Channel] = {}
        self._by_path: dict[Path, Channel] = {}
        self._by_item: dict[Path, list[Channel]] = {}
        self._loose: list[tuple[Path, Channel]] = []
        """Those whose place in their item nobody knows."""

    def get(self, path: Path) -> Channel | None:
        """The text at `path`, if pieces of it came."""
        return self._by_path.get(path)

    def opened(self, item: Path, kind: str, index: int, about: Json, keys: tuple[str, ...] = ("delta",), beside: Json | None = None) -> Channel:
        """The text that events of this type write; anew when there is none yet or only one that is closed. `about`: what the
        events say of its place, `keys`: where in them the text stands, `beside`: what else stands there."""
        base = base_of(kind)
        path = text_path(base, item, index) + keys[1:]
        channel = self._by_path.get(path)
        if channel is None or channel.closed:
            head = head_of(kind, about, keys, beside or {})
            channel = self._by_path[path] = Channel(self._active, path, kind, head, b"}" * len(keys), json=self.is_json(base))
            self._all.append(channel)
            self._open[id(channel)] = channel
            self._by_item.setdefault(item, []).append(channel)
            if base not in WRITTEN:
                self._loose.append((item, channel))
        return channel

    def is_json(self, base: str) -> bool:
        """Whether texts of this kind have to stay JSON."""
        return streamed_json(base, structured=self._structured)

    def send(self, channel: Channel, events: list[Event], out: list[Event]) -> None:
        """Events of a channel go out, up to what blocks."""
        if not self.stopped():
            out += events
            self.blocked_by = channel.masker.blocked_by

    def complete(self, channel: Channel | None, text: str, out: list[Event]) -> None:
        """A text is known whole: what was never sent of it, and what was held back, goes out."""
        if channel is None or channel.closed or self.stopped():
            return
        came = channel.came
        if len(text) > len(came) and text.startswith(came):
            self.send(channel, channel.feed(text[len(came) :]), out)
        self._close(channel, out)

    def close(self, within: Path, item: Path, out: list[Event]) -> None:
        """All texts of `item` whose path begins with `within` are over."""
        for channel in self._by_item.get(item, ()):
            if channel.path[: len(within)] == within:
                self._close(channel, out)

    def wrote(self, item: Path) -> bool:
        """Whether some text of the item came in pieces."""
        return item in self._by_item

    def close_all(self, out: list[Event]) -> None:
        """The answer is over."""
        for channel in list(self._open.values()):
            self._close(channel, out)

    def stopped(self) -> bool:
        """Whether a rule has blocked, in pieces or in a text that was looked at whole."""
        if self.blocked_by is None:
            self.blocked_by = self.whole.blocked_by
        return self.blocked_by is not None

    def saying(self, item: Path, path: Path, text: str) -> Channel | None:
        """The channel that wrote this text: by its place, or by what it says where nobody knows the place."""
        channel = self._by_path.get(path)
        if channel is not None and channel.came == text:
            return channel
        return next((one for owner, one in self._loose if owner in (item, NOWHERE) and one.came == text), None)

    @property
    def found(self) -> list[TextHits]:
        """Of the texts in which rules hit."""
        found = [TextHits(place(each.path), each.masker.hits, each.came) for each in self._all if each.masker.hits]
        return found + self.whole.found

    @property
    def counts(self) -> dict[int, int]:
        """Hits by rule id."""
        counts = dict(self.whole.counts)
        for channel in self._all:
            for rule, count in channel.masker.counts.items():
                counts[rule] = counts.get(rule, 0) + count
        return counts

    @property
    def pending(self) -> int:
        """Characters held back."""
        return sum(channel.pending for channel in self._open.values())

    def _close(self, channel: Channel, out: list[Event]) -> None:
        if not channel.closed and not self.stopped():
            self.send(channel, channel.close(), out)
            self._open.pop(id(channel), None)

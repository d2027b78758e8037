"""What is said in the place of a text: in what repeats it, in what it begins with, and in what a blocked answer still shows."""

from typing import Any

from libs.firewall.channel import Channel
from libs.firewall.channels import Channels
from libs.responses.text import Path

Json = dict[str, Any]


class Said:
    """For texts that are whole: what the stream said; what it did not say is looked at whole."""

    def __init__(self, channels: Channels, item: Path) -> None:
        self._channels, self._item = channels, item
        self._sources: dict[Path, Channel | None] = {}

    def said(self, path: Path, text: str, *, json: bool = False, base: str = "") -> str:
        source = self._sources[path] = self._channels.saying(self._item, path, text)
        return self._channels.whole.said(path, text, json=json) if source is None else source.out

    def moved(self, path: Path, index: int) -> int:
        source = self._sources.get(path)
        return self._channels.whole.moved(path, index) if source is None else source.masker.moved(index)


class Begins:
    """For texts with which a part or an item begins: what may go out of them there, the rest follows in deltas."""

    def __init__(self, channels: Channels, item: Path, about: Json) -> None:
        """`about`: what the event says of its place."""
        self._channels, self._item, self._about = channels, item, about

    def said(self, path: Path, text: str, *, json: bool = False, base: str = "") -> str:
        channels, known = self._channels, self._channels.get(path)
        if not base or (known is not None and known.came != text):
            return channels.whole.said(path, text, json=json)
        if known is not None:
            # The item told it, and its part tells it again.
            return known.out
        about, index = self._place(path[len(self._item) :])
        channel = channels.opened(self._item, f"{base}.delta", index, about)
        ready = channel.begin(text)
        channels.send(channel, [], [])
        return ready

    def moved(self, path: Path, index: int) -> int:
        known = self._channels.get(path)
        return self._channels.whole.moved(path, index) if known is None else known.masker.moved(index)

    def _place(self, inside: Path) -> tuple[Json, int]:
        index = next((step for step in inside if isinstance(step, int)), None)
        if index is None:
            return self._about, 0
        return self._about | {_INDEX_NAMES[str(inside[0])]: index}, index


_INDEX_NAMES = {"content": "content_index", "summary": "summary_index", "action": "command_index"}


class LetOut:
    """For a blocked answer: of each text, what went out."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    def said(self, path: Path, text: str, *, json: bool = False, base: str = "") -> str:
        channel = self._channels.get(path)
        if channel is not None:
            return channel.out
        return self._channels.whole.said(path, text) if self._channels.whole.knows(path, text) else ""

    def moved(self, path: Path, index: int) -> int:
        return index


def unfinished(item: Json) -> Json:
    """The item as one that has not ended: without annotations, which may be about text that never went out, and without state."""
    content = item.get("content")
    changes: Json = {"status": "incomplete"} if "status" in item else {}
    if item.get("encrypted_content"):
        changes["encrypted_content"] = None
    if type(content) is list:
        changes["content"] = [part | {"annotations": []} if type(part) is dict and part.get("annotations") else part for part in content]
    return item | changes

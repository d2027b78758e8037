"""The events of a streamed answer under rules that only warn or observe, pure: all pass as they are, each text is looked at when it is whole."""

from typing import Any

import msgspec

from libs.contracts.deltas import Event
from libs.contracts.policies import FirewallRule
from libs.firewall.answer import TextHits, WholeTexts
from libs.firewall.event_places import FRAMES, SILENT, WRITTEN, base_of, index_of, read_delta, text_path
from libs.firewall.output_items import item_texts, screened, streamed_json, without_logprobs
from libs.firewall.ruleset import Active
from libs.responses.text import Path

Json = dict[str, Any]
_decode = msgspec.json.Decoder(dict).decode

# What they tell, the item tells again when it is done.
_TOLD_AGAIN = FRAMES | SILENT | {f"{base}.done" for base in WRITTEN} | {
    "response.output_item.added", "response.content_part.added", "response.content_part.done", "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done", "response.output_text.annotation.added", "response.shell_call_command.added",
}


class Watching:
    """One answer. Methods raise ScanTimeout."""

    def __init__(self, active: Active, *, structured: bool = False) -> None:
        self.blocked_by: FirewallRule | None = None
        self.notes: list[str] = []
        self._whole, self._structured = WholeTexts(active), structured
        self._pieces: dict[tuple[str, Path], list[str]] = {}
        self._routes: dict[tuple[Any, ...], list[str]] = {}
        self._prefixes: dict[str, Path] = {}

    def feed(self, events: list[Event]) -> list[Event]:
        """The events as they are."""
        for event in events:
            kind = event.type
            if kind.endswith("delta") and kind not in SILENT:
                self._gather(event)
            elif kind == "response.output_item.done":
                self._item_done(_decode(event.data))
            elif kind not in _TOLD_AGAIN:
                screened(_decode(event.data), (kind,), self._whole)
        return events

    def finish(self) -> list[Event]:
        """Looks at the texts of items that were never done."""
        for (base, path), pieces in self._pieces.items():
            if pieces:
                self._piece(base, path, pieces, {})
        return []

    def output(self, items: list[Json]) -> list[Json]:
        """The items as they are."""
        for index, item in enumerate(items):
            self._look(item, self._prefixes.get(str(item.get("id")), ("output", index)))
        return items

    @property
    def found(self) -> list[TextHits]:
        return self._whole.found

    @property
    def counts(self) -> dict[int, int]:
        return self._whole.counts

    @property
    def pending(self) -> int:
        return 0

    def _gather(self, event: Event) -> None:
        try:
            said = read_delta(event.data)
        except msgspec.ValidationError:
            screened(_decode(event.data), (event.type,), self._whole)
            return
        route = (event.type, said.output_index, said.item_id, said.content_index, said.summary_index, said.command_index)
        pieces = self._routes.get(route)
        if pieces is None:
            base, message = base_of(event.type), _decode(event.data)
            item: Path = ("output", said.item_id if said.output_index is None else said.output_index)
            pieces = self._routes[route] = self._pieces.setdefault((base, text_path(base, item, index_of(message))), [])
        pieces.append(said.delta)

    def _item_done(self, message: Json) -> None:
        item, index = message.get("item"), message.get("output_index")
        if not isinstance(item, dict) or not isinstance(index, int):
            screened(message, ("response.output_item.done",), self._whole)
            return
        prefix = self._prefixes[str(item.get("id"))] = ("output", index)
        self._look(item, prefix)
        told = {prefix + path: text for path, text in item_texts(item)}
        for (base, path), pieces in self._pieces.items():
            if path[:2] == prefix and pieces:
                self._piece(base, path, pieces, told)

    def _piece(self, base: str, path: Path, pieces: list[str], told: dict[Path, str]) -> None:
        """What came in pieces, unless the item told the same."""
        text = "".join(pieces)
        pieces.clear()
        if told.get(path) != text:
            self._whole.said(path, text, json=streamed_json(base, structured=self._structured))

    def _look(self, item: Json, prefix: Path) -> None:
        screened(without_logprobs(item), prefix, self._whole, structured=self._structured)

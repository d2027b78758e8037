"""Screening a whole answer under the rules for responses, pure: its output items in, what may go out of them and the hits back."""

from typing import Any

from msgspec import Struct

from libs.contracts.policies import FirewallRule
from libs.firewall.findings import place
from libs.firewall.jsontext import Lexer
from libs.firewall.mask import Edit, edited, edits, json_edits
from libs.firewall.output_items import LOGPROBS_LEFT_OUT, screened, without_logprobs
from libs.firewall.ruleset import Active, Hit
from libs.responses.text import Path

Json = dict[str, Any]


class TextHits(Struct):
    """The hits in one text of an answer."""

    item: str
    """Path of the text, such as `output[0].content[0].text`."""
    hits: list[Hit]
    """In characters of the text."""
    text: str
    """As the provider wrote it."""


class Screened(Struct):
    """What screening found in an answer."""

    output: list[Json]
    """The items as they may go out; none when a rule blocked."""
    found: list[TextHits] = []
    """Of the texts in which rules hit."""
    counts: dict[int, int] = {}
    """Hits by rule id."""
    blocked_by: FirewallRule | None = None
    """Of the enforced block rules that hit, the one that comes first in the order of reading: where a stream would have stopped."""
    changed: bool = False
    notes: list[str] = []
    """What was left out of the answer, in words."""

    @property
    def hits(self) -> list[tuple[str, Hit]]:
        """Each hit with the path of its text."""
        return [(each.item, hit) for each in self.found for hit in each.hits]


def screen_output(output: list[Json], active: Active, *, structured: bool = False, deadline: float | None = None) -> Screened:
    """Screens all texts of an answer. `structured`: its text is JSON and has to stay JSON. `deadline`: of `time.monotonic()`; raises
    ScanTimeout behind it."""
    texts = WholeTexts(active, deadline)
    bare = [without_logprobs(item) for item in output]
    shown = [screened(item, ("output", index), texts, structured=structured) for index, item in enumerate(bare)]
    if not active.changes:
        return Screened(output, texts.found, texts.counts)
    notes = [LOGPROBS_LEFT_OUT] if _differ(bare, output) else []
    if texts.blocked_by is not None:
        shown = []
    changed = _differ(shown, output)
    return Screened(shown if changed else output, texts.found, texts.counts, texts.blocked_by, changed, notes)


def _differ(shown: list[Json], output: list[Json]) -> bool:
    return len(shown) != len(output) or any(new is not old for new, old in zip(shown, output, strict=True))


class WholeTexts:
    """Texts that are known whole, each looked at once, up to the first that blocks."""

    def __init__(self, active: Active, deadline: float | None = None) -> None:
        self._active, self._deadline = active, deadline
        self._seen: dict[tuple[Path, str], tuple[str, list[Edit]]] = {}
        self._last: dict[Path, str] = {}
        self.found: list[TextHits] = []
        self.counts: dict[int, int] = {}
        self.blocked_by: FirewallRule | None = None

    def said(self, path: Path, text: str, *, json: bool = False, base: str = "") -> str:
        """The text with its masks; nothing from where a rule blocks. Raises ScanTimeout."""
        if self.knows(path, text):
            self._last[path] = text
            return self._seen[path, text][0]
        if self.blocked_by is not None:
            return ""
        hits = (self._active.scan_json if json else self._active.scan)(text, deadline=self._deadline)
        if hits:
            self._note(path, hits, text)
        changes = _changes(text, hits, json=json) if hits else []
        said = "" if self.blocked_by is not None else edited(text, changes)
        self._seen[path, text], self._last[path] = (said, changes), text
        return said

    def knows(self, path: Path, text: str) -> bool:
        """Whether this text was looked at in this place."""
        return (path, text) in self._seen

    def moved(self, path: Path, index: int) -> int:
        """Where a character of the text that was asked for last at `path` stands behind the masks."""
        text = self._last.get(path, "")
        _, changes = self._seen.get((path, text), ("", []))
        return _moved(changes, index)

    def _note(self, path: Path, hits: list[Hit], text: str) -> None:
        self.found.append(TextHits(place(path), hits, text))
        for hit in hits:
            self.counts[hit.rule.id] = self.counts.get(hit.rule.id, 0) + 1
        self.blocked_by = next((hit.rule for hit in hits if hit.rule.action == "block" and not hit.rule.observe), None)


def _changes(text: str, hits: list[Hit], *, json: bool) -> list[Edit]:
    if not json:
        return edits(hits)
    lexer = Lexer()
    lexer.feed(text)
    lexer.finish()
    return json_edits(hits, lexer.tokens)


def _moved(changes: list[Edit], index: int) -> int:
    """Within a change, it is the beginning of what stands there now."""
    grown = 0
    for change in changes:
        if change.start >= index:
            break
        if change.end > index:
            return change.start + grown
        grown += len(change.text) - (change.end - change.start)
    return index + grown

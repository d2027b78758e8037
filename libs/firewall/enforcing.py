"""Masks and blocks on the events of a streamed answer, pure: what goes out adds up to the masked texts, in the grammar of the stream."""

from collections.abc import Callable
from typing import Any

import msgspec

from libs.contracts.deltas import Event
from libs.contracts.policies import FirewallRule
from libs.firewall.answer import TextHits
from libs.firewall.channel import Channel
from libs.firewall.channels import NOWHERE, Channels
from libs.firewall.event_places import DONE_FIELDS, FRAMES, SILENT, WRITTEN, base_of, index_of, place_of, read_delta, text_path
from libs.firewall.output_items import LOGPROBS_LEFT_OUT, Say, item_texts, screened, without_logprobs
from libs.firewall.ruleset import Active
from libs.firewall.saying import Begins, LetOut, Said, unfinished
from libs.responses.text import Path

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict).decode

# Items whose text comes in pieces; any other that is not in the making is whole when it is added.
_GROWING = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})
_IN_THE_MAKING = frozenset({"in_progress", "calling", "interpreting", "searching", "generating"})


class Enforcing:
    """One answer under rules that can change it. Methods raise ScanTimeout."""

    def __init__(self, active: Active, *, structured: bool = False) -> None:
        self._channels = Channels(active, structured=structured)
        self._structured = structured
        self._scored = False
        self._prefixes: dict[str, Path] = {}
        self._begun: dict[Path, Json] = {}
        self._done: dict[Path, Json] = {}
        self._routes: dict[tuple[Any, ...], Channel] = {}
        self._handlers: dict[str, Callable[[Event, list[Event]], None]] = {
            "response.output_item.added": self._item_added, "response.output_item.done": self._item_done,
            "response.content_part.added": self._part_added, "response.content_part.done": self._part_done,
            "response.reasoning_summary_part.added": self._part_added, "response.reasoning_summary_part.done": self._part_done,
            "response.output_text.annotation.added": self._annotation, "response.shell_call_command.added": self._command,
            **{kind: self._frame for kind in FRAMES},
        }

    def feed(self, events: list[Event]) -> list[Event]:
        """Those events that may go out now."""
        out: list[Event] = []
        for event in events:
            if self._channels.stopped():
                break
            self._step(event, out)
        return out

    def finish(self) -> list[Event]:
        """What is still held."""
        out: list[Event] = []
        self._channels.close_all(out)
        return out

    def output(self, items: list[Json]) -> list[Json]:
        """The items, saying what the stream said."""
        told = [(self._own_prefix(item, index), item) for index, item in enumerate(items)]
        if not self._channels.stopped():
            shown = [self._screened(self._bare(item), prefix, Said(self._channels, prefix)) for prefix, item in told]
            if not self._channels.stopped():
                return shown
        return [self._let_out(prefix, item) for prefix, item in told if self._told(prefix)]

    @property
    def blocked_by(self) -> FirewallRule | None:
        return self._channels.blocked_by

    @property
    def found(self) -> list[TextHits]:
        return self._channels.found

    @property
    def counts(self) -> dict[int, int]:
        return self._channels.counts

    @property
    def pending(self) -> int:
        return self._channels.pending

    @property
    def notes(self) -> list[str]:
        return [LOGPROBS_LEFT_OUT] if self._scored else []

    def _step(self, event: Event, out: list[Event]) -> None:
        kind = event.type
        if kind in SILENT:
            out.append(event)
        elif kind.endswith("delta"):
            self._delta(event, out)
        elif (handler := self._handlers.get(kind)) is not None:
            handler(event, out)
        elif kind.endswith("done"):
            self._text_done(event, out)
        else:
            self._unknown(event, _decode(event.data), out)

    def _delta(self, event: Event, out: list[Event]) -> None:
        try:
            said = read_delta(event.data)
        except msgspec.ValidationError:
            self._unknown(event, _decode(event.data), out)
            return
        # Raw bytes: `[]` and `null` say nothing.
        if len(said.logprobs) > 4:
            self._scored = True
        route = (event.type, said.output_index, said.item_id, said.content_index, said.summary_index, said.command_index)
        channel = self._routes.get(route)
        if channel is None or channel.closed:
            message = _decode(event.data)
            channel = self._routes[route] = self._opened(event.type, message)
        self._channels.send(channel, channel.feed(said.delta), out)

    def _text_done(self, event: Event, out: list[Event]) -> None:
        message, base = _decode(event.data), base_of(event.type)
        item = self._item_of(message)
        path = text_path(base, item, index_of(message))
        known = WRITTEN.get(base)
        field = known.field if known is not None else next((name for name in DONE_FIELDS if type(message.get(name)) is str), "")
        text = message.get(field)
        if type(text) is str:
            self._channels.complete(self._channels.get(path), text, out)
        self._channels.close(path, item, out)
        if self._channels.stopped():
            return
        said = Said(self._channels, item)
        told = self._unscored(message)
        told = told | screened({name: value for name, value in told.items() if name != field}, (event.type,), said)
        if type(text) is str and text:
            told[field] = said.said(path, text, json=self._channels.is_json(base))
        self._pass(event, message, told, out)

    def _item_added(self, event: Event, out: list[Event]) -> None:
        message = _decode(event.data)
        item = message.get("item")
        if type(item) is not dict:
            self._unknown(event, message, out)
            return
        prefix, item_id = self._prefix(item.get("id"), message.get("output_index")), item.get("id")
        self._channels.close(prefix, prefix, out)
        if type(item_id) is str:
            self._prefixes[item_id] = prefix
        grows = item.get("type") in _GROWING or item.get("status") in _IN_THE_MAKING
        say = Begins(self._channels, prefix, place_of(message | {"item_id": item_id})) if grows else self._channels.whole
        shown = self._screened(self._bare(item), prefix, say)
        self._pass(event, message, message | {"item": shown}, out)
        if not self._channels.stopped():
            self._begun[prefix] = shown

    def _item_done(self, event: Event, out: list[Event]) -> None:
        message = _decode(event.data)
        item = message.get("item")
        if type(item) is not dict:
            self._unknown(event, message, out)
            return
        prefix, bare = self._prefix(item.get("id"), message.get("output_index")), self._bare(item)
        for path, text in item_texts(bare):
            self._channels.complete(self._channels.get(prefix + path), text, out)
        self._channels.close(prefix, prefix, out)
        shown = self._screened(bare, prefix, Said(self._channels, prefix))
        self._pass(event, message, message | {"item": shown}, out)
        if not self._channels.stopped():
            self._done[prefix] = shown

    def _part_added(self, event: Event, out: list[Event]) -> None:
        message = _decode(event.data)
        self._part(event, message, Begins(self._channels, self._item_of(message), place_of(message)), out)

    def _part_done(self, event: Event, out: list[Event]) -> None:
        message = _decode(event.data)
        item = self._item_of(message)
        within = (*item, *_part_at(event.type, message))
        part = message.get("part")
        for name, text in part.items() if type(part) is dict else ():
            if type(text) is str:
                self._channels.complete(self._channels.get((*within, name)), text, out)
        self._channels.close(within, item, out)
        self._part(event, message, Said(self._channels, item), out)

    def _part(self, event: Event, message: Json, say: Say, out: list[Event]) -> None:
        part = message.get("part")
        if type(part) is not dict:
            self._unknown(event, message, out)
            return
        parts, index = _part_at(event.type, message)
        # As an item that has this part only, so that its texts have the paths that they have there.
        item = self._screened({parts: {index: self._unscored(part)}}, self._item_of(message), say)
        self._pass(event, message, message | {"part": item[parts][index]}, out)

    def _annotation(self, event: Event, out: list[Event]) -> None:
        message = _decode(event.data)
        note = message.get("annotation")
        if type(note) is not dict:
            self._unknown(event, message, out)
            return
        part, index = (*self._item_of(message), "content", index_of(message)), message.get("annotation_index")
        path: Path = (*part, "annotations", index if type(index) is int else 0)
        told = message | {"annotation": screened(note, path, self._channels.whole)}
        channel = self._channels.get((*part, "text"))
        if channel is None and type(note.get("end_index")) is int:
            # About text that is still to come.
            channel = self._opened("response.output_text.delta", message)
        if channel is None:
            self._pass(event, message, told, out)
        elif not self._channels.stopped():
            self._channels.send(channel, channel.annotate(told), out)

    def _command(self, event: Event, out: list[Event]) -> None:
        message = _decode(event.data)
        text, told = message.get("command"), message
        if type(text) is str and text:
            item, base = self._item_of(message), "response.shell_call_command"
            path = text_path(base, item, index_of(message))
            told = message | {"command": Begins(self._channels, item, place_of(message)).said(path, text, base=base)}
        self._pass(event, message, told, out)

    def _frame(self, event: Event, out: list[Event]) -> None:
        # Safe on bytes: inside a JSON string the quotes would be escaped.
        if b'"output":[]' in event.data:
            out.append(event)
            return
        message = _decode(event.data)
        response = message.get("response")
        items = response.get("output") if type(response) is dict else None
        if type(response) is dict and type(items) is list:
            shown = [self._screened(self._bare(item), ("output", index), self._channels.whole) for index, item in enumerate(items)]
            self._pass(event, message, message | {"response": response | {"output": shown}}, out)
        else:
            self._unknown(event, message, out)

    def _unknown(self, event: Event, message: Json, out: list[Event]) -> None:
        """An event that nobody knows: pieces of text are held and masked like any others, all other strings are looked at whole."""
        name = next((name for name in ("delta", "text", "transcript") if message.get(name)), "") if "delta" in event.type else ""
        delta = message.get(name)
        if type(delta) is str:
            channel = self._opened(event.type, message, (name,))
            self._channels.send(channel, channel.feed(delta), out)
        elif type(delta) is dict and (pieces := dict(item_texts(delta))) and all(len(path) == 1 for path in pieces):
            beside = {key: value for key, value in delta.items() if (key,) not in pieces}
            for (key,), piece in pieces.items():
                channel = self._opened(event.type, message, (name, str(key)), beside)
                self._channels.send(channel, channel.feed(piece), out)
        else:
            told = self._unscored(message)
            self._pass(event, message, screened(told, (event.type,), Said(self._channels, self._item_of(message))), out)

    def _opened(self, kind: str, message: Json, keys: tuple[str, ...] = ("delta",), beside: Json | None = None) -> Channel:
        return self._channels.opened(self._item_of(message), kind, index_of(message), place_of(message), keys, beside)

    def _screened(self, item: Json, prefix: Path, say: Say) -> Json:
        return screened(item, prefix, say, structured=self._structured)

    def _pass(self, event: Event, message: Json, told: Json, out: list[Event]) -> None:
        """The event goes out, unless something in it blocked; byte for byte where nothing changed."""
        if not self._channels.stopped():
            out.append(event if told == message else Event(event.type, _encode(told)))

    def _bare(self, item: Json) -> Json:
        bare = without_logprobs(item)
        self._scored = self._scored or bare is not item
        return bare

    def _unscored(self, told: Json) -> Json:
        if not told.get("logprobs"):
            return told
        self._scored = True
        return told | {"logprobs": []}

    def _item_of(self, message: Json) -> Path:
        return self._prefix(message.get("item_id"), message.get("output_index"))

    def _prefix(self, item_id: object, index: object) -> Path:
        if type(index) is int:
            return ("output", index)
        if type(item_id) is not str or not item_id:
            return NOWHERE
        return self._prefixes.get(item_id, ("output", item_id))

    def _own_prefix(self, item: Json, index: int) -> Path:
        """By the item's id first: a list may have left some out."""
        return self._prefixes.get(str(item.get("id")), ("output", index))

    def _told(self, prefix: Path) -> bool:
        return prefix in self._begun or prefix in self._done or self._channels.wrote(prefix)

    def _let_out(self, prefix: Path, item: Json) -> Json:
        """Of an item of a blocked answer, what went out."""
        begun = self._begun.get(prefix)
        if prefix in self._done:
            return self._done[prefix]
        if begun is not None and item.get("type") not in _GROWING:
            return begun
        return self._screened(unfinished(without_logprobs(item)), prefix, LetOut(self._channels))


def _part_at(kind: str, message: Json) -> tuple[str, int]:
    """Where in its item a part stands."""
    return "content" if kind.startswith("response.content_part") else "summary", index_of(message)

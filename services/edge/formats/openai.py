"""OpenAI's Responses API, the canonical form itself."""

from libs.contracts.deltas import Event
from services.edge.formats.format import Plain, one_line


class ResponsesFormat(Plain):
    """Exactly OpenAI's events: `event:` equal to the type, numbered without gaps, ended by the connection."""

    def __init__(self, first: int = 0) -> None:
        """`first`: the number of the first event that is written."""
        self._number = first

    def write(self, events: list[Event]) -> bytes:
        parts = []
        for event in events:
            parts.append(b"event: %b\ndata: %b,\"sequence_number\":%d}\n\n" % (event.type.encode(), event.data[:-1], self._number))
            self._number += 1
        return one_line(b"".join(parts))

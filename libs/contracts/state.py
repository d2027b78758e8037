"""What is kept of answers and conversations: written by the worker that ends an answer, read and deleted by the edges."""

from typing import Any

from msgspec import Struct

from libs.contracts.deltas import Event


class Keeping(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request asks to be kept of it, and what of its input is kept already."""

    store: bool = False
    """It can be read, continued and replayed until the retention is over."""
    idempotent: bool = False
    """A repetition with the same key gets the same answer, so it is kept for a day at least."""
    background: bool = False
    """Its record is there from the start, and whoever ends it changes that one."""
    history: int = 0
    """Leading items of the input that come from earlier turns."""
    ancestors: list[str] = []
    """Ids of the responses that these come from, oldest first."""
    conversation: str = ""
    fingerprint: str = ""
    """SHA-256 of endpoint and body, for repetitions."""


class StoredResponse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer as it went to the client, and this turn's input. On the stream it is MessagePack."""

    request_id: str
    endpoint: str = "responses"
    created_at: float
    """Unix seconds."""
    status: str
    """queued, in_progress, completed, incomplete, failed or cancelled."""
    store: bool = True
    """False: only there for repetitions with the same idempotency key."""
    stream: bool = False
    background: bool = False
    response: bytes
    """JSON of the response object; of an embeddings list where that was asked for."""
    input: bytes = b"[]"
    """JSON array of this turn's input items, after masking."""
    ancestors: list[str] = []
    conversation: str = ""
    fingerprint: str = ""
    events: bytes = b""
    """Of a streamed answer: its events up to the terminal one, as `packed` makes them; empty when they were too many."""

    @property
    def response_id(self) -> str:
        return response_id_of(self.request_id)

    @property
    def over(self) -> bool:
        """Nothing will change any more."""
        return self.status not in ("queued", "in_progress")


class Conversation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation's head. Its items stand in turns, numbered from 0, each a value of its own."""

    id: str
    created_at: int
    metadata: dict[str, str] = {}
    turns: int = 0


class Turn(Struct, frozen=True, kw_only=True):
    """Items that came into a conversation together."""

    items: list[dict[str, Any]]


class Idempotency(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who works on the request that first came with an idempotency key."""

    fingerprint: str
    request_id: str
    edge: str
    at: float
    """Unix seconds at which it was claimed."""


class Job(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A background response that is not over yet, and the edge that sees to it."""

    owner: str
    """The edge's instance; when it dies, another edge takes over."""
    admitted: bytes
    """The request as it is to be dispatched, a MessagePack of Admitted."""
    taken: int = 1
    """How often an edge has taken it over, with the first."""


class EventLog(Struct, frozen=True, array_like=True):
    """The events of one answer, without numbers."""

    events: list[Event]


def issued_key(request_id: str) -> str:
    """The idempotency key of a request whose client sent none."""
    return "idem_" + request_id.removeprefix("req_").replace("-", "")


def response_id_of(request_id: str) -> str:
    """The id of the response to a request: the same UUID, as OpenAI writes ids."""
    return "resp_" + request_id.removeprefix("req_").replace("-", "")


def request_id_of(some_id: str) -> str | None:
    """The request's id for a request or response id or an issued idempotency key; None when it is none of them."""
    kind, _, rest = some_id.partition("_")
    digits = rest.replace("-", "")
    if kind not in ("req", "resp", "idem") or len(digits) != 32 or not set(digits) <= _HEX:
        return None
    return f"req_{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_HEX = frozenset("0123456789abcdef")

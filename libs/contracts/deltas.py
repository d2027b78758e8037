"""What comes back to the edge on `delta.{edge}.{request_id}`."""

from msgspec import Struct

from libs.contracts.errors import ErrorInfo
from libs.contracts.message import Body, Message


class Event(Struct, frozen=True, array_like=True):
    """One Responses stream event. `data` is its JSON object without `sequence_number`: the edge numbers what it sends."""

    type: str
    data: bytes
    claim: str = ""
    """Object that holds `data` when it is too large for a message."""


class Delta(Message, frozen=True, kw_only=True):
    """Fields that every message to the edge has."""

    request_id: str
    dispatch: int
    attempt: int = 0


class Started(Delta, frozen=True, kw_only=True, tag="started"):
    """A worker is about to call the provider: from here on the request is not dispatched anew."""

    worker: str
    provider: str
    model: str


class Released(Delta, frozen=True, kw_only=True, tag="released"):
    """The attempt failed and the router was asked for another; silence past `expires_at` means it died."""

    expires_at: float
    begun: bool = False
    """Some of the answer is with the client already, so the request cannot be dispatched anew."""


class Deltas(Delta, frozen=True, kw_only=True, tag="deltas"):
    """All events decoded from one upstream read."""

    seq: int
    """Gapless from 0 for each attempt; a gap means the bus lost a message."""
    events: list[Event]


class Completed(Delta, frozen=True, kw_only=True, tag="completed"):
    """The whole response. Its ledger rows are durable before this is sent."""

    seq: int = 0
    status: str
    """`completed`, `incomplete` or `failed`, as in the response."""
    response: Body
    provider: str
    model: str
    output_tokens: int = 0


class Failed(Delta, frozen=True, kw_only=True, tag="failed"):
    """The provider path is at its end without an answer. After visible deltas it becomes `response.failed`."""

    error: ErrorInfo
    output: Body | None = None
    """JSON array of the output items that earlier attempts delivered."""


class Refused(Delta, frozen=True, kw_only=True, tag="refused"):
    """A stage said no before any provider was called."""

    stage: str
    error: ErrorInfo


class Previewed(Delta, frozen=True, kw_only=True, tag="previewed"):
    """router → edge: what would have been done with a request that only asked for that."""

    preview: bytes
    """JSON object."""


DeltaMessage = Started | Released | Deltas | Completed | Failed | Refused | Previewed

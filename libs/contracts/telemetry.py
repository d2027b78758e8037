"""What workers learn of providers by calling them; every router hears it and judges by it."""

from msgspec import Struct

from libs.contracts.message import Message


class Tally(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Calls to one model at one account since the last tally."""

    provider: str
    account: str
    model: str
    """Empty: said of the whole account."""
    ok: int = 0
    """Calls that began to answer."""
    probed: bool = False
    """The success was a probe's, made after a breaker's time: it closes the breaker everywhere."""
    failed: int = 0
    """Calls that failed in a way that says the provider is unwell: unreachable, 5xx, timeouts, broken streams."""
    rest_until: float = 0.0
    """Unix seconds before which the provider asked not to be called again; 0: it asked for nothing."""
    advice: bool = False
    """The rest is our own conclusion, or an upper bound: better elsewhere, but rather there than nowhere."""
    code: str = ""
    """Error code of the latest failure, or of what the provider asked to wait for."""


class Observed(Message, frozen=True, kw_only=True, tag="observed"):
    """provider-worker → all routers: failures at once, successes a few times a second."""

    worker: str
    tallies: list[Tally]


class Rest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model at an account, or a whole account, that is not to be called for a while."""

    provider: str
    account: str
    model: str = ""
    """Empty: the whole account."""
    until: float
    """Unix seconds."""
    code: str
    """Why: rate_limit_exceeded, insufficient_quota, provider_key_invalid, or the code of the failures that opened the breaker."""
    advice: bool = False
    """Better elsewhere, but rather there than nowhere: a key that was turned down, a window that is used up by the headers of a good
    answer. Not so what the provider itself asked for with a refusal, and an open breaker."""
    failures: int = 0
    """In a row, for an open breaker."""

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


class Timing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long calls to one model at one account took, summed up since the last report. Calls with a client's own key count too: speed
    is the model's, whoever pays."""

    provider: str
    account: str
    model: str
    begun: int = 0
    """Streamed answers that began."""
    ttft_s: float = 0.0
    """Their seconds from the call to the first sign of an answer, added up."""
    ended: int = 0
    """Streamed answers of some length that ended well."""
    output_tokens: int = 0
    """Theirs."""
    writing_s: float = 0.0
    """Their seconds from the first sign to the end."""
    whole: int = 0
    """Answers that came in one piece."""
    whole_tokens: int = 0
    whole_s: float = 0.0


class Remaining(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an account may still do, by the headers of a good answer: told while it is little, and once more, without numbers, when it is
    not any longer."""

    provider: str
    account: str
    model: str
    requests: int | None = None
    requests_reset: float = 0.0
    """Unix seconds at which all of it is back; 0: not said."""
    tokens: int | None = None
    tokens_reset: float = 0.0


class CachedPrefix(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A beginning of a conversation that a provider is likely to have in its prompt cache."""

    prefix: str
    """RequestFacts.prefix, with the workspace in it."""
    provider: str
    account: str
    model: str
    tokens: int
    """Input tokens of the request that filled it."""
    at: float
    """Unix seconds."""


class Observed(Message, frozen=True, kw_only=True, tag="observed"):
    """provider-worker → all routers: failures at once, successes a few times a second."""

    worker: str
    tallies: list[Tally] = []
    timings: list[Timing] = []
    remaining: list[Remaining] = []
    cached: list[CachedPrefix] = []


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


class Signal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a router knows of a model at an account at the moment of a decision: decayed, newest counting most."""

    observed: float = 0.0
    """Answers behind it, as far as they still count; 0: nothing is known."""
    ttft_s: float | None = None
    tokens_per_s: float | None = None
    failing: float = 0.0
    """Share of recent calls that failed, 0 to 1."""
    requests_left: int | None = None
    tokens_left: int | None = None
    """What the account may still use until its window is over; None: not known, plenty, or the window is over."""


UNKNOWN = Signal()

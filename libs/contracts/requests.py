"""The request path: each stage says what has happened, with everything the earlier stages said."""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Literal, TypeVar

from msgspec import Struct

from libs.contracts.decisions import AttemptOutcome, Decision, Ruling, Screening, Target
from libs.contracts.message import Body, Hop, Message
from libs.contracts.policies import FirewallRule, RoutingRule
from libs.contracts.preferences import Preferences
from libs.contracts.reading import Reading
from libs.contracts.state import Keeping, response_id_of


class RequestFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the edge learned while checking the body, so that later stages need not decode it."""

    model: str
    """As the client wrote it; `auto:balance` when absent."""
    target: Target
    """What `model` asks for."""
    override: Target = Target()
    """What `router_provider`, `router_model` and `router_mode` ask for; stronger than `model`, weaker than a rule."""
    metadata: dict[str, str] = {}
    input_chars: int = 0
    """Characters of text in input, instructions and tool definitions."""
    max_output_tokens: int | None = None
    tools: int = 0
    builtin_tools: list[str] = []
    """Types of the tools that are not functions, such as `web_search`."""
    images: int = 0
    files: int = 0
    documents: int = 0
    """Those of the files that are known to be neither PDF nor text, such as spreadsheets."""
    audio: int = 0
    file_ids: int = 0
    """Images and files that stand in OpenAI's storage."""
    google_files: int = 0
    """Images and files at an address that only Google can read."""
    structured: bool = False
    """A JSON schema or JSON mode is asked for."""
    json_schema: bool = False
    """The answer has to follow a JSON schema."""
    effort: str = ""
    """`reasoning.effort`, such as `none` or `high`."""
    prompt_template: bool = False
    """`prompt` names a template in OpenAI's storage."""
    explain: bool = False
    embeddings: bool = False
    """Vectors are asked for, not an answer."""
    preferences: Preferences | None = None
    """The `provider` object of the request."""
    reading: Reading | None = None
    """What the router's classifier made of the prompt; None until it has read it."""
    prefix: str = ""
    """Names the beginning of the conversation, for prompt caches; empty where there is nothing worth caching."""
    user: str = ""
    """`safety_identifier`, `prompt_cache_key` or `user`, the first that is there: what a sticky split can go by."""


class Trial(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Draft rules in place of a preview's live ones; None: the live ones."""

    stage: Literal["firewall", "router"] = "router"
    """Where the preview ends and is answered."""
    firewall: list[FirewallRule] | None = None
    routing: list[RoutingRule] | None = None
    on_top: bool = False
    """The drafts go on top of the live rules, and one with the id of a live rule takes its place; else they stand alone."""
    output: list[dict[str, Any]] | None = None
    """Output items on which the rules of scope `response` are tried."""


class Delivered(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What earlier attempts gave the client before they broke off: whole output items, nothing half."""

    items: Body
    """JSON array of output items, in order."""
    count: int
    by: list[str]
    """`provider/model` of each attempt that wrote some of them."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: str | None = None
    """Decimal; None when a price or a usage is not known."""
    first_at: float = 0.0
    """Unix seconds at which the first piece of the answer went out."""


class Admitted(Message, frozen=True, kw_only=True, tag="admitted"):
    """edge → firewall: authenticated, well-formed, and on the clock."""

    request_id: str
    workspace: str
    key_id: str
    created_at: float
    """Unix seconds; part of the ledger's key, so it never changes along the way."""
    deadline: float
    """Unix seconds after which nobody waits for an answer."""
    dispatch: int = 1
    """Counts up each time the edge publishes the request anew."""
    expires_at: float
    """Unix seconds. A stage drops the message past this, so two dispatches cannot both reach a provider."""
    edge: str
    traceparent: str
    endpoint: str = "responses"
    """responses, chat.completions, messages, embeddings, compact or input_tokens."""
    stream: bool = False
    facts: RequestFacts
    body: Body
    provider_keys: dict[str, bytes] = {}
    """Provider id → key from the request's headers, sealed to the provider-workers."""
    hops: list[Hop] = []
    keeping: Keeping | None = None
    """What is to be kept of the answer; None: nothing."""
    idempotency_key: str = ""
    """As the client sent it; empty when it sent none, and ours stands for it."""
    preview: bool = False
    """Only the decision is wanted: the router answers with it and calls nobody."""
    trial: Trial | None = None
    """What a preview tries out."""
    key_name: str = ""
    project: str = ""
    """Of the API key, else as the request's header names it."""
    delivered: Delivered | None = None
    """The answer has begun: continue after these items."""

    @property
    def response_id(self) -> str:
        return response_id_of(self.request_id)


class Screened(Admitted, frozen=True, kw_only=True, tag="screened"):
    """firewall → rules: the prompt passed, masked where a rule says so."""

    screening: Screening


class Ruled(Screened, frozen=True, kw_only=True, tag="ruled"):
    """rules → router: routing rules have spoken."""

    ruling: Ruling


class Routed(Ruled, frozen=True, kw_only=True, tag="routed"):
    """router → provider-worker: call `decision.candidates[decision.chosen]`."""

    decision: Decision
    attempts: list[AttemptOutcome] = []
    """Attempts of this dispatch that failed."""
    not_before: float = 0.0
    """Unix seconds to wait for before the call, when the same candidate is tried again."""
    probe: bool = False
    """The first call after a breaker's time: its success is told at once."""
    patience: float | None = None
    """Seconds to the first sign of an answer after which the next candidate is tried instead; None: this is the last."""


class AttemptFailed(Routed, frozen=True, kw_only=True, tag="attempt_failed"):
    """provider-worker → router: this candidate failed, with nothing half-said; is there another?"""


Step = TypeVar("Step", bound=Admitted)


def advance(message: Admitted, step: type[Step], **added: Any) -> Step:
    """The next message of the path: all that `message` carries, plus what the stage adds or replaces."""
    names, read = _carried(type(message), step)
    return step(**(dict(zip(names, read(message), strict=True)) | added))


@cache
def _carried(kind: type[Admitted], step: type[Admitted]) -> tuple[tuple[str, ...], Callable[[Admitted], Any]]:
    names = tuple(name for name in kind.__struct_fields__ if name in step.__struct_fields__)
    return names, attrgetter(*names)


class Cancelled(Message, frozen=True, kw_only=True, tag="cancelled"):
    """edge → all workers: nobody waits for this request any more."""

    request_id: str
    dispatch: int
    reason: str

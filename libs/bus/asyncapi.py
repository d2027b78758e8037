"""The bus on paper: every channel with who speaks and who listens, and the AsyncAPI document made of it.

Documentation only. The hot path does not consume through FastStream (see libs/bus/stage.py), so its channels are registered
here once more, on a broker that is never started; `python -m docs` writes the result to docs/asyncapi.yaml.
"""

import re
from typing import Any

import msgspec
from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI
from msgspec import Struct

from libs.contracts import subjects
from libs.contracts.deltas import Completed, Deltas, Failed, Previewed, Refused, Released, Started
from libs.contracts.health import Health
from libs.contracts.ledger import AttemptRow, DeliveryRow, FeedbackRow, LedgerBatch, RequestRow
from libs.contracts.policies import ApiKey, FirewallRules, Learned, RoutingRules
from libs.contracts.queries import SqlAnswer, SqlQuery
from libs.contracts.requests import Admitted, AttemptFailed, Cancelled, Routed, Ruled, Screened
from libs.contracts.state import Conversation, Idempotency, Job, StoredResponse, Turn
from libs.contracts.telemetry import Observed

EVERYONE = ("edge", "firewall", "rules", "router", "provider-worker", "recorder")
MSGPACK = "application/msgpack"
JSON = "application/json"


class Channel(Struct, frozen=True, kw_only=True):
    """A subject pattern and its contract."""

    name: str
    subject: str
    """With `{names}` where the ids stand."""
    senders: tuple[str, ...]
    receivers: tuple[str, ...] = ()
    queue: str = ""
    """The queue group that shares the messages; empty: every receiver gets each one."""
    carried: str = "core NATS"
    """What moves the messages, and with that how surely they arrive."""
    messages: tuple[type[Struct], ...] = ()
    """Empty: the payload is not a structure of ours."""
    note: str = ""


# `$KV.<bucket>.<key>` is the subject on which NATS stores a key's value.
_FIREWALL_RULES = f"$KV.{subjects.POLICIES_BUCKET}.firewall.{{workspace}}"
_ROUTING_RULES = f"$KV.{subjects.POLICIES_BUCKET}.routing.{{workspace}}"
_LEARNED = f"$KV.{subjects.POLICIES_BUCKET}.learned.{{workspace}}"
_API_KEYS = f"$KV.{subjects.KEYS_BUCKET}.{{sha256}}"
_JOBS = f"$KV.{subjects.JOBS_BUCKET}.{{request_id}}"
_PUBLIC_KEY = f"$KV.{subjects.VAULT_BUCKET}.worker_public_key"
_COMING_BACK = (Started, Released, Deltas, Completed, Failed, Refused, Previewed)
_STATE = f"JetStream, stream {subjects.STATE_STREAM}, one message per subject"
_KEPT = "A byte that says whether the value stands here (0) or in the object store under the name that follows (1), then MessagePack. "

CHANNELS = (
    Channel(
        name="Admitted", subject=subjects.admitted("{workspace}"), queue="firewall", messages=(Admitted,),
        senders=("edge",), receivers=("firewall",), note="A request that is authenticated and well-formed.",
    ),
    Channel(
        name="Screened", subject=subjects.screened("{workspace}"), queue="rules", messages=(Screened,),
        senders=("firewall",), receivers=("rules",), note="The prompt passed the firewall, masked where a rule says so.",
    ),
    Channel(
        name="Ruled", subject=subjects.ruled("{workspace}"), queue="router", messages=(Ruled,),
        senders=("rules",), receivers=("router",), note="The routing rules have spoken.",
    ),
    Channel(
        name="Routed", subject=subjects.routed("{provider}", "{workspace}"), queue="worker-{provider}", messages=(Routed,),
        senders=("router",), receivers=("provider-worker",), note="Call the chosen candidate.",
    ),
    Channel(
        name="AttemptFailed", subject=subjects.failed("{provider}", "{workspace}"), queue="router", messages=(AttemptFailed,),
        senders=("provider-worker",), receivers=("router",), note="A candidate failed before its first delta or between two items; is there another?",
    ),
    Channel(
        name="Cancelled", subject=subjects.cancelled("{request_id}"), messages=(Cancelled,),
        senders=("edge",), receivers=("provider-worker",), note="Nobody waits for this request any more. Every worker hears it.",
    ),
    Channel(
        name="Delta", subject=subjects.delta("{edge}", "{request_id}"), messages=_COMING_BACK,
        senders=("firewall", "rules", "router", "provider-worker"), receivers=("edge",),
        note="What comes back to the edge that admitted the request. Travels as the reply subject from hop to hop; the edge has one "
        "subscription for all its requests. Ends with one of Completed, Failed, Refused and Previewed.",
    ),
    Channel(
        name="Background", subject=subjects.background("{workspace}", "{request_id}"), messages=_COMING_BACK,
        senders=("edge", "firewall", "rules", "router", "provider-worker"), receivers=("edge",),
        carried=f"core NATS, kept by JetStream, stream {subjects.BACKGROUND_STREAM}",
        note="The same for a background response, in the place of Delta: the edge that sees to it hears it, and whoever reads the "
        "response's stream, now or later, has it from JetStream. An edge that takes over closes what was half said with Deltas of its own.",
    ),
    Channel(
        name="Stopped", subject=subjects.stopped("{request_id}"), senders=("edge",), receivers=("edge",),
        note="Empty. Some edge was asked to cancel a background response; the one that sees to it cancels it.",
    ),
    Channel(
        name="Health", subject=subjects.health("{service}", "{instance}"), messages=(Health,),
        senders=EVERYONE, receivers=("edge", "router", "provider-worker"), note="Each instance, once a second.",
    ),
    Channel(
        name="Telemetry", subject=subjects.telemetry("{instance}"), messages=(Observed,),
        senders=("provider-worker",), receivers=("router",),
        note="What a worker learned of its providers: failures and asked pauses at once, successes four times a second. Every router "
        "hears it, so all of them open and close the same breakers.",
    ),
    Channel(
        name="HealthAsked", subject=subjects.HEALTH_ASKED, senders=("edge", "router"), receivers=EVERYONE,
        note="Empty. Everyone answers with a heartbeat at once.",
    ),
    Channel(
        name="Ledger", subject=subjects.ledger("{service}"), messages=(LedgerBatch,), carried=f"JetStream, stream {subjects.LEDGER_STREAM}",
        senders=("edge", "firewall", "rules", "router", "provider-worker"), receivers=("recorder",), queue="recorder",
        note="All ledger rows that a process had due at once; each row is JSON of RequestRow, AttemptRow or DeliveryRow. The header "
        "Nats-Msg-Id names the publish, so that a repetition is stored once. The queue is the name of the durable pull consumer.",
    ),
    Channel(
        name="LedgerDead", subject=subjects.ledger_dead("{service}"), carried=f"JetStream, stream {subjects.DEAD_STREAM}",
        senders=("recorder",),
        note="A row that ClickHouse refused, as it came, or a message that was none of ours. The headers Tokenrouter-Table, "
        "Tokenrouter-Reason and Tokenrouter-Sequence say what, why, and where in the stream LEDGER it stands.",
    ),
    Channel(
        name="StoredResponse", subject=subjects.stored_response("{workspace}", "{response_id}"), messages=(StoredResponse,),
        carried=_STATE, senders=("edge", "provider-worker"), receivers=("edge", "provider-worker"), note=_KEPT + "A worker writes it "
        "before the client sees the answer's end, an edge where it is a background response that begins or is cancelled.",
    ),
    Channel(
        name="Conversation", subject=subjects.conversation("{workspace}", "{conversation_id}"), messages=(Conversation,),
        carried=_STATE, senders=("edge", "provider-worker"), receivers=("edge", "provider-worker"), note=_KEPT + "It counts the turns.",
    ),
    Channel(
        name="Turn", subject=subjects.turn("{workspace}", "{conversation_id}", "{number}"), messages=(Turn,),
        carried=_STATE, senders=("edge", "provider-worker"), receivers=("edge", "provider-worker"),
        note=_KEPT + "Never changed but to take items out.",
    ),
    Channel(
        name="Idempotency", subject=subjects.idempotency("{workspace}", "{key_hash}"), messages=(Idempotency,),
        carried=f"JetStream, stream {subjects.IDEMPOTENCY_STREAM}, one message per subject for a day", senders=("edge",), receivers=("edge",),
        note=_KEPT + "Written by compare-and-set before the request is dispatched; the key goes by its SHA-256, in hex.",
    ),
    Channel(
        name="QuerySql", subject=subjects.QUERY_SQL, queue="recorder", messages=(SqlQuery,), carried="core NATS, request and replies",
        senders=("edge", "router", "operator"), receivers=("recorder",),
        note="A SQL question. The answer comes on the reply subject as numbered SqlAnswers.",
    ),
    Channel(
        name="QueryAnswer", subject="_INBOX_{asker}.{inbox}", messages=(SqlAnswer,), carried="core NATS, request and replies",
        senders=("recorder",), receivers=("edge", "router", "operator"),
        note="The result in pieces of at most 256 KiB; the last one is marked.",
    ),
    Channel(
        name="FirewallRules", subject=_FIREWALL_RULES, messages=(FirewallRules,), carried=f"KV bucket {subjects.POLICIES_BUCKET}",
        senders=("edge",), receivers=("firewall",), note="A workspace's firewall rules, changed by compare-and-set and watched.",
    ),
    Channel(
        name="RoutingRules", subject=_ROUTING_RULES, messages=(RoutingRules,), carried=f"KV bucket {subjects.POLICIES_BUCKET}",
        senders=("edge",), receivers=("rules",), note="A workspace's routing rules, changed by compare-and-set and watched.",
    ),
    Channel(
        name="Learned", subject=_LEARNED, messages=(Learned,), carried=f"KV bucket {subjects.POLICIES_BUCKET}",
        senders=("recorder", "operator"), receivers=("edge", "router"), note="Quality of models as learned from a workspace's feedback; watched.",
    ),
    Channel(
        name="ApiKeys", subject=_API_KEYS, messages=(ApiKey,), carried=f"KV bucket {subjects.KEYS_BUCKET}",
        senders=("bootstrap",), receivers=("edge",), note="A client's key under the SHA-256 of its secret, in hex.",
    ),
    Channel(
        name="Jobs", subject=_JOBS, messages=(Job,), carried=f"KV bucket {subjects.JOBS_BUCKET}",
        senders=("edge",), receivers=("edge",), note="A background response that is not over yet, and which edge sees to it; taken over by "
        "compare-and-set. MessagePack.",
    ),
    Channel(
        name="WorkerPublicKey", subject=_PUBLIC_KEY, carried=f"KV bucket {subjects.VAULT_BUCKET}",
        senders=("bootstrap",), receivers=("edge",), note="The X25519 public key to which edges seal provider keys, base64url.",
    ),
)

_JSON = (FirewallRules, RoutingRules, Learned, ApiKey)
_ROWS = (RequestRow, AttemptRow, DeliveryRow, FeedbackRow)
"""Rows travel as bytes inside a LedgerBatch, so no message type leads to them."""


def document(version: str) -> dict[str, Any]:
    """The AsyncAPI 3.0 document: FastStream's servers, channels and operations, with msgspec's schemas."""
    made: dict[str, Any] = AsyncAPI(
        _broker(), title="TokenRouter bus", version=version,
        description="Everything that TokenRouter's services say to each other over NATS. Messages are MessagePack; bytes appear here "
        "as base64. Policies, API keys and ledger rows are JSON.",
    ).to_specification().to_jsonable()
    sent = [kind for channel in CHANNELS for kind in channel.messages]
    _, schemas = msgspec.json.schema_components([*sent, *_ROWS], schema_hook=_any, ref_template="#/components/schemas/{name}")
    # FastStream keeps its subscribers in a set; the document keeps the table's order.
    channels = {channel.name: _channel(channel, made["channels"][channel.name]) for channel in CHANNELS}
    operations = {channel.name: _operation(channel, made["operations"][channel.name]) for channel in CHANNELS}
    messages = {kind.__name__: _message(kind) for kind in sent}
    return {
        "asyncapi": made["asyncapi"], "info": made["info"], "defaultContentType": MSGPACK, "servers": made["servers"],
        "channels": channels, "operations": operations,
        "components": {"messages": messages, "schemas": {name: schemas[name] for name in sorted(schemas)}},
    }


def _broker() -> NatsBroker:
    broker = NatsBroker("nats://127.0.0.1:4222")
    for channel in CHANNELS:
        if channel.receivers:
            broker.subscriber(channel.subject, channel.queue, title=channel.name, description=channel.note)(_heard)
        else:
            broker.publisher(channel.subject, title=channel.name, description=channel.note, schema=bytes)
    return broker


async def _heard(message: bytes) -> None:
    """Stands for whoever receives: FastStream's own schemas cannot describe msgspec structs."""


def _any(kind: type) -> dict[str, Any]:
    """The schema of a field declared as `object`."""
    return {"description": "Any JSON value."}


def _message(kind: type[Struct]) -> dict[str, Any]:
    return {
        "name": kind.__name__,
        "summary": " ".join((kind.__doc__ or "").split()),
        "contentType": JSON if kind in _JSON else MSGPACK,
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }


def _channel(channel: Channel, known: dict[str, Any]) -> dict[str, Any]:
    """FastStream's channel with its parameters and messages, and what carries them."""
    names = re.findall(r"{(\w+)}", channel.subject)
    messages = {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in channel.messages}
    parameters: dict[str, Any] = {"parameters": {name: {} for name in names}} if names else {}
    return known | parameters | {"messages": messages, "x-carried-by": channel.carried}


def _operation(channel: Channel, known: dict[str, Any]) -> dict[str, Any]:
    """FastStream's operation with its messages and the services on both ends."""
    messages = [{"$ref": f"#/channels/{channel.name}/messages/{kind.__name__}"} for kind in channel.messages]
    return known | {"messages": messages, "x-senders": list(channel.senders), "x-receivers": list(channel.receivers)}

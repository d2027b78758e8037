"""Every subject on the bus, built here and nowhere else. Lower-case tokens, events in the past tense, ids last."""

ROOT = "tokenrouter.v1"

LEDGER_STREAM = "LEDGER"
DEAD_STREAM = "LEDGER_DEAD"
POLICIES_BUCKET = "tokenrouter_policies"
KEYS_BUCKET = "tokenrouter_keys"
VAULT_BUCKET = "tokenrouter_vault"
CLAIMS_BUCKET = "tokenrouter_claims"
STATE_STREAM = "STATE"
STATE_BODIES_BUCKET = "tokenrouter_state"
IDEMPOTENCY_STREAM = "IDEMPOTENCY"
BACKGROUND_STREAM = "BACKGROUND"
JOBS_BUCKET = "tokenrouter_jobs"
PRICES_BUCKET = "tokenrouter_prices"
PRICES_KEY = "list"

ADMITTED = f"{ROOT}.request.admitted.*"
SCREENED = f"{ROOT}.request.screened.*"
RULED = f"{ROOT}.request.ruled.*"
FAILED = f"{ROOT}.request.failed.*.*"
CANCELLED = f"{ROOT}.request.cancelled.*"
HEALTH = f"{ROOT}.health.*.*"
TELEMETRY = f"{ROOT}.telemetry.*"
HEALTH_ASKED = f"{ROOT}.health_asked"
LEDGER = f"{ROOT}.ledger.*"
DEAD = f"{ROOT}.ledger_dead.*"
QUERY_SQL = f"{ROOT}.query.sql"
STATE = f"{ROOT}.state.>"
IDEMPOTENCY = f"{ROOT}.idempotency.*.*"
BACKGROUND = f"{ROOT}.background.*.*"
STOPPED = f"{ROOT}.stopped.*"


def admitted(workspace: str) -> str:
    return f"{ROOT}.request.admitted.{workspace}"


def screened(workspace: str) -> str:
    return f"{ROOT}.request.screened.{workspace}"


def ruled(workspace: str) -> str:
    return f"{ROOT}.request.ruled.{workspace}"


def routed(provider: str, workspace: str) -> str:
    return f"{ROOT}.request.routed.{provider}.{workspace}"


def failed(provider: str, workspace: str) -> str:
    return f"{ROOT}.request.failed.{provider}.{workspace}"


def cancelled(request_id: str) -> str:
    return f"{ROOT}.request.cancelled.{request_id}"


def delta(edge: str, request_id: str) -> str:
    return f"{ROOT}.delta.{edge}.{request_id}"


def health(service: str, instance: str) -> str:
    return f"{ROOT}.health.{service}.{instance}"


def telemetry(instance: str) -> str:
    """What a worker learned of its providers."""
    return f"{ROOT}.telemetry.{instance}"


def ledger(service: str) -> str:
    return f"{ROOT}.ledger.{service}"


def ledger_dead(service: str) -> str:
    return f"{ROOT}.ledger_dead.{service}"


def stored_response(workspace: str, response_id: str) -> str:
    return f"{ROOT}.state.response.{workspace}.{response_id}"


def conversation(workspace: str, conversation_id: str) -> str:
    return f"{ROOT}.state.conversation.{workspace}.{conversation_id}"


def turn(workspace: str, conversation_id: str, number: int | str) -> str:
    """Items of a conversation that came together."""
    return f"{ROOT}.state.turn.{workspace}.{conversation_id}.{number}"


def idempotency(workspace: str, key_hash: str) -> str:
    return f"{ROOT}.idempotency.{workspace}.{key_hash}"


def background(workspace: str, request_id: str) -> str:
    """What comes back for a background response: the stream BACKGROUND keeps it, for whoever reads it later."""
    return f"{ROOT}.background.{workspace}.{request_id}"


def stopped(request_id: str) -> str:
    """Some edge was asked to cancel a background response."""
    return f"{ROOT}.stopped.{request_id}"

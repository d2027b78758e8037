"""Every subject on the bus, built here and nowhere else. Lower-case tokens, events in the past tense, ids last."""

ROOT = "tokenrouter.v1"

LEDGER_STREAM = "LEDGER"
DEAD_STREAM = "LEDGER_DEAD"
POLICIES_BUCKET = "tokenrouter_policies"
KEYS_BUCKET = "tokenrouter_keys"
VAULT_BUCKET = "tokenrouter_vault"
CLAIMS_BUCKET = "tokenrouter_claims"

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

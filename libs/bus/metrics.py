"""Prometheus metrics; every name the project has stands here once, with its unit."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

REGISTRY = CollectorRegistry()

STAGE_MESSAGES = Counter(
    "tokenrouter_stage_messages_total", "Messages a stage took, by outcome (passed, refused, expired, undecodable, failed).",
    ["stage", "outcome"], registry=REGISTRY,
)
REQUESTS = Counter(
    "tokenrouter_requests_total", "Requests the edge answered, by endpoint and HTTP status.", ["endpoint", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "tokenrouter_request_seconds", "Seconds from the first byte in to the last byte out.", ["endpoint"], registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
IN_FLIGHT = Gauge("tokenrouter_requests_in_flight", "Requests the edge is waiting for.", registry=REGISTRY)
REDISPATCHES = Counter("tokenrouter_redispatches_total", "Requests published anew after a stage stayed silent.", registry=REGISTRY)
ATTEMPTS = Counter(
    "tokenrouter_attempts_total", "Provider calls, by provider and outcome.", ["provider", "outcome"], registry=REGISTRY
)
TTFT_SECONDS = Histogram(
    "tokenrouter_ttft_seconds", "Seconds from the provider call to the first sign of a streamed answer, by provider.", ["provider"],
    registry=REGISTRY, buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
TOKENS = Counter("tokenrouter_tokens_total", "Tokens by provider and direction (input, output).", ["provider", "direction"], registry=REGISTRY)
LEDGER_ROWS = Counter("tokenrouter_ledger_rows_total", "Ledger rows made durable in JetStream.", registry=REGISTRY)
LEDGER_RETRIES = Counter("tokenrouter_ledger_retries_total", "Ledger publishes that had to be repeated.", registry=REGISTRY)
LEDGER_WAITING = Gauge("tokenrouter_ledger_rows_waiting", "Ledger rows not yet durable.", registry=REGISTRY)
RECORDED_ROWS = Counter("tokenrouter_recorded_rows_total", "Ledger rows inserted into ClickHouse, by table.", ["table"], registry=REGISTRY)
DEAD_ROWS = Counter("tokenrouter_dead_rows_total", "Ledger rows that ClickHouse refused, kept in the dead-letter stream.", registry=REGISTRY)
RECORDER_RETRIES = Counter("tokenrouter_recorder_retries_total", "Inserts into ClickHouse that had to be repeated.", registry=REGISTRY)
RECORDER_LAG = Gauge("tokenrouter_recorder_lag_messages", "Ledger messages in JetStream that are not yet in ClickHouse.", registry=REGISTRY)
POLICY_REVISION = Gauge("tokenrouter_policy_revision", "Revision of the policies served, by bucket.", ["bucket"], registry=REGISTRY)
POLICY_REFUSED = Gauge(
    "tokenrouter_policy_refused", "1 while the newest value of a policy cannot be used and the last good one is in force: alert on it.",
    ["bucket", "key"], registry=REGISTRY,
)
BUS_CONNECTED = Gauge("tokenrouter_bus_connected", "1 while connected to NATS.", registry=REGISTRY)


def exposition() -> tuple[bytes, str]:
    """The scrape body and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST

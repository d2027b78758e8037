-- Rows as they were recorded. The same key may come more than once: the row with the highest rank is the one that counts,
-- which the views in 0002 and later see to.

CREATE TABLE IF NOT EXISTS tokenrouter.requests_log
(
    request_id String,
    created_at DateTime64(6, 'UTC'),
    workspace LowCardinality(String),
    api_key_id LowCardinality(String),
    endpoint LowCardinality(String),
    model_requested LowCardinality(String),
    model LowCardinality(String),
    provider LowCardinality(String),
    mode LowCardinality(String),
    status LowCardinality(String),
    http_status Int32,
    error_code LowCardinality(String),
    input_tokens Int64,
    output_tokens Int64,
    cached_tokens Int64,
    cache_write_tokens Int64,
    reasoning_tokens Int64,
    usage_source LowCardinality(String),
    cost_usd Nullable(Decimal(18, 10)),
    price_version LowCardinality(String),
    latency_ms Float64,
    ttft_ms Nullable(Float64),
    stream Bool,
    metadata Map(String, String),
    sandbox Bool,
    ended_by LowCardinality(String),
    rank Int32,
    dispatches Int32,
    attempts Int32,
    confidence Float64,
    warnings String COMMENT 'JSON',
    rule_trace String COMMENT 'JSON',
    firewall_trace String COMMENT 'JSON',
    candidates String COMMENT 'JSON',
    excluded String COMMENT 'JSON',
    hops Array(Tuple(stage String, instance String, at Float64, took_ms Float64)),
    policy_revisions Map(String, Int64),
    traceparent String,
    INDEX by_request_id request_id TYPE bloom_filter(0.01) GRANULARITY 1,
    CONSTRAINT identified CHECK request_id != '',
    CONSTRAINT dated CHECK created_at > toDateTime64('2020-01-01 00:00:00', 6, 'UTC')
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(created_at)
ORDER BY (workspace, created_at, request_id);

CREATE TABLE IF NOT EXISTS tokenrouter.attempts_log
(
    request_id String,
    created_at DateTime64(6, 'UTC'),
    workspace LowCardinality(String),
    dispatch Int32,
    attempt Int32,
    started_at DateTime64(6, 'UTC'),
    provider LowCardinality(String),
    model LowCardinality(String),
    status LowCardinality(String),
    http_status Int32,
    error_code LowCardinality(String),
    billing LowCardinality(String),
    input_tokens Int64,
    output_tokens Int64,
    cached_tokens Int64,
    cache_write_tokens Int64,
    reasoning_tokens Int64,
    usage_source LowCardinality(String),
    cost_usd Nullable(Decimal(18, 10)),
    price_version LowCardinality(String),
    latency_ms Float64,
    ttft_ms Nullable(Float64),
    provider_request_id String,
    provider_response_id String,
    worker LowCardinality(String),
    own_key Bool,
    sandbox Bool,
    adapted Array(String),
    rank Int32,
    INDEX by_request_id request_id TYPE bloom_filter(0.01) GRANULARITY 1,
    CONSTRAINT identified CHECK request_id != '',
    CONSTRAINT dated CHECK created_at > toDateTime64('2020-01-01 00:00:00', 6, 'UTC')
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(created_at)
ORDER BY (workspace, created_at, request_id, dispatch, attempt);

CREATE TABLE IF NOT EXISTS tokenrouter.deliveries_log
(
    request_id String,
    created_at DateTime64(6, 'UTC'),
    workspace LowCardinality(String),
    edge LowCardinality(String),
    http_status Int32,
    outcome LowCardinality(String),
    bytes_sent Int64,
    ttfb_ms Float64,
    total_ms Float64,
    dispatches Int32,
    rank Int32,
    INDEX by_request_id request_id TYPE bloom_filter(0.01) GRANULARITY 1,
    CONSTRAINT identified CHECK request_id != '',
    CONSTRAINT dated CHECK created_at > toDateTime64('2020-01-01 00:00:00', 6, 'UTC')
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(created_at)
ORDER BY (workspace, created_at, request_id);

-- What each decision rested on, and what clients think of the answers.

ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS task_family LowCardinality(String) DEFAULT '';
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS difficulty Float32 DEFAULT 0;
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS reason String DEFAULT '';
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS chosen_for LowCardinality(String) DEFAULT '';
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS candidate LowCardinality(String) DEFAULT '';
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS expected_usd Nullable(Float64);
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS expected_s Nullable(Float64);
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS expected_quality Nullable(Float64);
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS reading String DEFAULT '' COMMENT 'JSON';
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS decision String DEFAULT '' COMMENT 'JSON';
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS facts String DEFAULT '' COMMENT 'JSON';

CREATE OR REPLACE VIEW tokenrouter.requests AS
SELECT
    request_id, created_at, workspace, api_key_id, endpoint, model_requested, model, provider, mode, status, http_status,
    error_code, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_usd, latency_ms, ttft_ms, stream, metadata,
    cache_write_tokens, usage_source, price_version, sandbox, ended_by, dispatches, attempts, confidence, warnings, rule_trace,
    firewall_trace, candidates, excluded, hops, policy_revisions, traceparent, rank, idempotency_key, background, task_family,
    difficulty, reason, chosen_for, candidate, expected_usd, expected_s, expected_quality, reading, decision, facts
FROM tokenrouter.requests_log FINAL;

-- Of several by the same key on the same request, the newest counts.
CREATE TABLE IF NOT EXISTS tokenrouter.feedback_log
(
    feedback_id String,
    request_id String,
    created_at DateTime64(6, 'UTC'),
    workspace LowCardinality(String),
    api_key_id LowCardinality(String),
    at DateTime64(6, 'UTC'),
    score Float64,
    label LowCardinality(String),
    comment String,
    INDEX by_request_id request_id TYPE bloom_filter(0.01) GRANULARITY 1,
    CONSTRAINT identified CHECK request_id != '',
    CONSTRAINT dated CHECK created_at > toDateTime64('2020-01-01 00:00:00', 6, 'UTC'),
    CONSTRAINT scored CHECK score >= 0 AND score <= 1
)
ENGINE = ReplacingMergeTree(at)
PARTITION BY toYYYYMM(created_at)
ORDER BY (workspace, created_at, request_id, api_key_id);

CREATE OR REPLACE VIEW tokenrouter.feedback AS
SELECT request_id, created_at, workspace, api_key_id, at, feedback_id, score, label, comment
FROM tokenrouter.feedback_log FINAL;

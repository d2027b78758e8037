-- Which of a provider's accounts an attempt used.

ALTER TABLE tokenrouter.attempts_log ADD COLUMN IF NOT EXISTS account LowCardinality(String) DEFAULT 'default';

CREATE OR REPLACE VIEW tokenrouter.attempts AS
SELECT
    request_id, created_at, workspace, dispatch, attempt, started_at, provider, account, model, status, http_status, error_code,
    billing, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_usd, latency_ms, ttft_ms, cache_write_tokens,
    usage_source, price_version, provider_request_id, provider_response_id, worker, own_key, sandbox, adapted, rank
FROM tokenrouter.attempts_log FINAL;

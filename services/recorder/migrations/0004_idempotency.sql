-- The idempotency key of each request, and whether it ran in the background.

ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS idempotency_key String DEFAULT '';
ALTER TABLE tokenrouter.requests_log ADD COLUMN IF NOT EXISTS background Bool DEFAULT false;

CREATE OR REPLACE VIEW tokenrouter.requests AS
SELECT
    request_id, created_at, workspace, api_key_id, endpoint, model_requested, model, provider, mode, status, http_status,
    error_code, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_usd, latency_ms, ttft_ms, stream, metadata,
    cache_write_tokens, usage_source, price_version, sandbox, ended_by, dispatches, attempts, confidence, warnings, rule_trace,
    firewall_trace, candidates, excluded, hops, policy_revisions, traceparent, rank, idempotency_key, background
FROM tokenrouter.requests_log FINAL;

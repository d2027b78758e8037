-- What users read: stable names, each key once, no FINAL needed.

CREATE OR REPLACE VIEW tokenrouter.requests AS
SELECT
    request_id, created_at, workspace, api_key_id, endpoint, model_requested, model, provider, mode, status, http_status,
    error_code, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_usd, latency_ms, ttft_ms, stream, metadata,
    cache_write_tokens, usage_source, price_version, sandbox, ended_by, dispatches, attempts, confidence, warnings, rule_trace,
    firewall_trace, candidates, excluded, hops, policy_revisions, traceparent, rank
FROM tokenrouter.requests_log FINAL;

CREATE OR REPLACE VIEW tokenrouter.attempts AS
SELECT
    request_id, created_at, workspace, dispatch, attempt, started_at, provider, model, status, http_status, error_code, billing,
    input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_usd, latency_ms, ttft_ms, cache_write_tokens,
    usage_source, price_version, provider_request_id, provider_response_id, worker, own_key, sandbox, adapted, rank
FROM tokenrouter.attempts_log FINAL;

CREATE OR REPLACE VIEW tokenrouter.deliveries AS
SELECT request_id, created_at, workspace, edge, http_status, outcome, bytes_sent, ttfb_ms, total_ms, dispatches, rank
FROM tokenrouter.deliveries_log FINAL;

CREATE OR REPLACE VIEW tokenrouter.decisions AS
SELECT
    request_id,
    created_at,
    workspace,
    hop.stage AS stage,
    hop.instance AS instance,
    toDateTime64(hop.at, 6, 'UTC') AS at,
    hop.took_ms AS took_ms
FROM (SELECT request_id, created_at, workspace, hops FROM tokenrouter.requests_log FINAL)
ARRAY JOIN hops AS hop;

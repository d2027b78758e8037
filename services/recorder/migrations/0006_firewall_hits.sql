-- Each place in which a firewall rule hit, without the text: `hash` tells whether two of them are the same.

CREATE OR REPLACE VIEW tokenrouter.firewall_hits AS
SELECT
    request_id, created_at, workspace, api_key_id, endpoint, status,
    JSONExtractInt(trace, 'rule_id') AS rule_id,
    JSONExtractString(trace, 'name') AS rule,
    JSONExtractInt(trace, 'priority') AS priority,
    JSONExtractString(trace, 'scope') AS scope,
    JSONExtractString(trace, 'action') AS action,
    JSONExtractBool(trace, 'observed') AS observed,
    JSONExtractInt(trace, 'hits') AS hits_of_rule,
    JSONExtractString(match, 'item') AS item,
    JSONExtractInt(match, 'start') AS start,
    JSONExtractInt(match, 'end') AS end,
    JSONExtractString(match, 'detector') AS detector,
    JSONExtractString(match, 'hash') AS hash
FROM
(
    SELECT request_id, created_at, workspace, api_key_id, endpoint, status, trace
    FROM tokenrouter.requests_log FINAL
    ARRAY JOIN JSONExtractArrayRaw(firewall_trace) AS trace
)
ARRAY JOIN JSONExtractArrayRaw(trace, 'matches') AS match;

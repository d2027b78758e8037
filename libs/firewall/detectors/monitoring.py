"""Keys of monitoring, logs and analytics."""

from libs.firewall.detectors.vendor import token

MONITORING = (
    token(
        "grafana_token",
        "Grafana token",
        r"\bglsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}\b",
        r"\bglc_[A-Za-z0-9+/]{32,}={0,2}",
        r"\beyJrIjoi[A-Za-z0-9+/_-]{60,}={0,2}",
    ),
    token(
        "newrelic_key",
        "New Relic key",
        r"\bNR(?:AK|AA|RA|II|IQ|BR|SP|PL)-[A-Za-z0-9-]{24,40}",
        r"\bNRJS-[0-9a-f]{19}\b",
        r"\b[0-9a-f]{36}NRAL\b",
    ),
    token("sentry_token", "Sentry token", r"\bsntrys_eyJ[A-Za-z0-9+/=_-]{60,}", r"\bsntry[uai]_[0-9a-f]{64}\b"),
    token("dynatrace_token", "Dynatrace token", r"\bdt0[a-z]\d{2}\.[A-Z0-9]{8,24}\.[A-Z0-9]{60,}"),
    token(
        "datadog_key",
        "Datadog key",
        r"(?i)\b(?:datadog[_ -]?(?:api|app|application|client)[_ -]?(?:key|token)|dd_api_key|dd_app_key|dd_application_key"
        r"|dd_client_token)[\"'\]]{0,2}\s{0,3}(?:=>|:=|=|:|is|>)\s{0,3}[\"']?"
        r"(?P<value>[0-9a-f]{40}|[0-9a-f]{32})\b",
        r"\bdd(?:p|ap|pat|sat)_[A-Za-z0-9]{32,}",
    ),
    token(
        "sumologic_key",
        "Sumo Logic access id or key",
        r"(?i:sumo)[\w.-]{0,20}(?i:id)[\w.-]{0,10}[\"']?\s{0,3}(?:=>|:=|=|:|,|>)\s{0,3}[\"']?(?P<value>su[A-Za-z0-9]{12})\b",
        r"(?i)sumo[\w.-]{0,20}(?:key|token|secret)[\w.-]{0,10}[\"']?\s{0,3}(?:=>|:=|=|:|,|>)\s{0,3}[\"']?(?P<value>[a-z0-9]{64})\b",
    ),
    token("honeycomb_key", "Honeycomb key", r"\bhc[abx]ik_[A-Za-z0-9]{40,}"),
    token("posthog_key", "PostHog personal API key", r"\bphx_[A-Za-z0-9_]{40,}"),
    token(
        "pagerduty_key",
        "PagerDuty API key",
        r"(?i)\bpager_?duty[\w .-]{0,24}[\"']?\s?(?:=>|:=|=|:|is)\s?[\"']?(?P<value>[a-z0-9+_-]{20}|[0-9a-f]{32})\b",
    ),
    token(
        "fastly_token",
        "Fastly token",
        r"(?i)\bfastly[\w .-]{0,24}[\"'\]]{0,2}\s{0,3}(?:=>|:=|=|:|is|>)\s{0,3}[\"']?(?P<value>[a-z0-9_-]{32})\b",
    ),
    token("splunk_token", "Splunk token", r"(?i)\bsplunk\s(?P<value>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b"),
    token("logdna_key", "Mezmo ingestion key", r"(?i)\b(?:logdna|mezmo)[\w .-]{0,24}[\"']?\s?[:=]\s?[\"']?(?P<value>[0-9a-f]{32})\b"),
)

"""One full message of each kind, for the golden files."""

from msgspec import Struct

from libs.contracts.decisions import (
    AttemptOutcome,
    Candidate,
    Decision,
    Excluded,
    Limits,
    Price,
    PriceTier,
    Ruling,
    Screening,
    Share,
    Target,
)
from libs.contracts.deltas import Completed, Deltas, Event, Failed, Previewed, Refused, Released, Started
from libs.contracts.errors import ErrorInfo
from libs.contracts.health import Health, OfferedModel, ProviderAccount
from libs.contracts.ledger import LedgerBatch, LedgerRow
from libs.contracts.message import Body, Condition, Hop, Match, Message, RuleTrace, Warning
from libs.contracts.policies import FirewallRule, RoutingRule
from libs.contracts.preferences import MaxPrice, Preferences
from libs.contracts.queries import SqlAnswer, SqlQuery
from libs.contracts.reading import Reading
from libs.contracts.requests import Admitted, AttemptFailed, Cancelled, Delivered, RequestFacts, Routed, Ruled, Screened, Trial, advance
from libs.contracts.state import Conversation, EventLog, Idempotency, Job, Keeping, StoredResponse, Turn
from libs.contracts.telemetry import CachedPrefix, Observed, Remaining, Rest, Tally, Timing

DELIVERED = Delivered(
    items=Body(inline=b"[]", size=2), count=1, by=["openai/gpt-4o"], input_tokens=5, output_tokens=4, cached_tokens=3, cache_write_tokens=2,
    reasoning_tokens=1, cost_usd="0.01", first_at=1795000001.75,
)
KEEPING = Keeping(
    store=True, idempotent=True, background=True, history=2, ancestors=["resp_00000000000040008000000000000000"], conversation="conv_1",
    fingerprint="f" * 64,
)
READING = Reading(
    version="1", families={"math": 0.9}, difficulty=0.75, output_tokens=300, demand=b"\x00\x38\x00\xb4", sure=0.8, because="another language",
)
ADMITTED = Admitted(
    request_id="req_00000000-0000-4000-8000-000000000001", workspace="default", key_id="key_1", created_at=1795000000.25,
    deadline=1795000600.25, dispatch=2, expires_at=1795000002.5, edge="edge-1", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    stream=True,
    facts=RequestFacts(
        model="gpt-4o:cost", target=Target(model="gpt-4o", mode="cost"), override=Target(provider="openai"), metadata={"team": "blue"},
        input_chars=12, max_output_tokens=100, tools=2, builtin_tools=["web_search"], images=1, files=1, audio=1, documents=1, file_ids=1,
        google_files=1, json_schema=True, effort="high", prompt_template=True, structured=True, explain=True,
        embeddings=True, prefix="0123456789abcdef",
        preferences=Preferences(
            order=["openai"], only=["openai"], ignore=["mistral"], allow_fallbacks=False, sort="price",
            max_price=MaxPrice(prompt=1.5, completion=2.5), data_collection="deny", unheeded=["quantizations"],
        ),
        reading=READING, user="user-1",
    ),
    body=Body(inline=b'{"input":"hello"}', size=17),
    provider_keys={"openai": b"\x00sealed"},
    hops=[Hop("firewall", "firewall-1", 1795000000.3, 0.05)],
    keeping=KEEPING, idempotency_key="fake-key", preview=True, delivered=DELIVERED, key_name="a key", project="blue",
    trial=Trial(
        stage="firewall", on_top=True, output=[{"type": "message"}],
        firewall=[FirewallRule(
            id=1, user_id=1, name="f", is_enabled=True, priority=1, scope="response", type="detector", pattern="pii", action="mask",
            replacement="*", exceptions=["x"], observe=True, projects=["blue"], api_keys=["key_1"],
            created_at="2026-11-24T00:00:00Z", updated_at="2026-11-24T00:00:00Z",
        )],
        routing=[RoutingRule(
            id=2, user_id=1, name="r", is_enabled=True, priority=2, match_json={"mode": "cost"}, action_json={"set_mode": "quality"},
            created_at="2026-11-24T00:00:00Z", updated_at="2026-11-24T00:00:00Z",
        )],
    ),
)
TRACE = RuleTrace(
    kind="routing", rule_id=1, name="a rule", priority=5, matched=True,
    conditions=[
        Condition(field="contains", expected="hello", matched=True, seen=["hello"]),
        Condition(field="not", matched=True, conditions=[Condition(field="stream", expected=True, matched=False, seen=False)]),
    ],
    action={"set_mode": "cost"},
)
SCREENED = advance(
    ADMITTED, Screened,
    screening=Screening(
        revision=3, checked=10, masked=1, warnings=[Warning(source="firewall", message="matched", rule_id=2)],
        trace=[RuleTrace(
            kind="firewall", rule_id=2, name="b", priority=0, matched=True, action="mask", scope="prompt", hits=1, observed=True,
            matches=[Match(item="input[0].content", start=3, end=9, detector="email", hash="0123456789abcdef")],
        )],
    ),
)
RULED = advance(SCREENED, Ruled, ruling=Ruling(
    revision=4, matched=[TRACE], trace=b'[{"rule_id":1}]', target=Target(mode="cost"), split_by=1,
    split=[Share(weight=1.5, provider="openai", model="m", mode="cost")], split_at=0.5, fallbacks=[Target(model="m2")], pinned=True,
    exclude=["openai/*"], headers={"x-team": "blue"}, limits=Limits(max_output_tokens=100, timeout=30.0, max_attempts=2, max_usd=0.5),
))
PRICE = Price(
    version="list 1", checked="2026-11-01", input="2.5", cached_input="1.25", cache_write="3", output="10", input_tiers=[PriceTier(200000, "5")],
    output_tiers=[PriceTier(200000, "15")],
)
ROUTED = advance(
    RULED, Routed,
    decision=Decision(
        mode="cost", confidence=0.8, chosen=1, scored=b'[{"model":"gpt-4o"}]',
        excluded=[Excluded(provider="anthropic", model="m", reason="no key", until=1795000009.5)],
        candidates=[
            Candidate(provider="openai", model="gpt-4o", price=PRICE, score=0.9, cost=1.0, quality=0.7, latency=0.5, expected_usd=0.001),
            Candidate(
                provider="openai", account="2", model="gpt-5", max_output_tokens=1000, reasoning=True, sandbox=True, expected_s=2.5,
                ttft_s=0.5, tokens_per_s=90.0, observed=12.5, failing=0.25, catalog_quality=0.75, cached_tokens=100, price_version="list 1",
            ),
        ],
        reason="the best", weights=(0.8, 0.1, 0.1), chosen_for="cache", input_tokens=10, output_tokens=300, policy_revision=3,
        warnings=[Warning(source="router", message="freed")],
    ),
    not_before=1795000001.5, probe=True, patience=6.0,
)
OUTCOME = AttemptOutcome(
    attempt=1, provider="openai", account="2", model="gpt-4o", status="failed", code="rate_limit_exceeded", http_status=429, retry_after=7.0,
    message="slow down",
)
IDS = {"request_id": ADMITTED.request_id, "dispatch": 2, "attempt": 1}
ERROR = ErrorInfo(
    status=422, type="firewall_error", code="firewall_blocked", message="blocked", param="input", provider="openai", rule_trace=[TRACE],
    retry_after=2, should_retry=False,
)

SAMPLES: list[Message] = [
    ADMITTED,
    SCREENED,
    RULED,
    ROUTED,
    advance(ROUTED, AttemptFailed, attempts=[OUTCOME]),
    Cancelled(request_id=ADMITTED.request_id, dispatch=2, reason="client disconnected"),
    Started(**IDS, worker="provider-worker-1", provider="openai", model="gpt-4o"),
    Released(**IDS, expires_at=1795000004.5, begun=True),
    Deltas(**IDS, seq=3, events=[Event("response.output_text.delta", b'{"delta":"a"}'), Event("x", b"", "claim-1")]),
    Completed(**IDS, seq=4, status="completed", response=Body(inline=b"{}", size=2), provider="openai", model="gpt-4o", output_tokens=5),
    Failed(**IDS, error=ERROR, output=Body(inline=b"[]", size=2)),
    Refused(**IDS, stage="firewall", error=ERROR),
    Previewed(**IDS, preview=b'{"object":"routing.preview"}'),
    Health(
        service="provider-worker", instance="provider-worker-1", at=1795000000.0, running=[ADMITTED.request_id],
        providers=[ProviderAccount(
            provider="openai", has_key=True, configured=True, sandbox=True, region="eu", weight=0.5, keeps_data=False,
            models=[OfferedModel(id="m", has=("images",))],
        )],
        resting=[Rest(provider="openai", account="default", model="gpt-4o", until=1795000009.5, code="upstream_timeout", failures=5)],
    ),
    Observed(
        worker="provider-worker-1",
        tallies=[Tally(
            provider="openai", account="2", model="gpt-4o", ok=3, probed=True, failed=1, rest_until=1795000009.5, advice=True,
            code="upstream_timeout",
        )],
        timings=[Timing(
            provider="openai", account="2", model="gpt-4o", begun=3, ttft_s=1.5, ended=2, output_tokens=100, writing_s=2.5, whole=1, whole_tokens=50,
            whole_s=1.25,
        )],
        remaining=[Remaining(
            provider="openai", account="2", model="gpt-4o", requests=9, requests_reset=1795000060.5, tokens=1000, tokens_reset=1795000030.5,
        )],
        cached=[CachedPrefix(prefix="0123456789abcdef", provider="openai", account="2", model="gpt-4o", tokens=2000, at=1795000001.5)],
    ),
    LedgerBatch(rows=[LedgerRow("requests", b'{"request_id":"r"}')]),
    SqlQuery(sql="SELECT 1"),
    SqlAnswer(seq=1, data=b"1\n", last=True),
]

KEPT: list[Struct] = [
    StoredResponse(
        request_id=ADMITTED.request_id, endpoint="chat.completions", created_at=1795000000.25, status="in_progress", store=False, stream=True,
        background=True, response=b'{"id":"resp_1"}', input=b'[{"type":"message"}]', ancestors=KEEPING.ancestors, conversation="conv_1",
        fingerprint="f" * 64, events=b"packed",
    ),
    Conversation(id="conv_1", created_at=1795000000, metadata={"team": "blue"}, turns=2),
    Turn(items=[{"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}]),
    Idempotency(fingerprint="f" * 64, request_id=ADMITTED.request_id, edge="edge-1", at=1795000000.25),
    Job(owner="edge-1", admitted=b"msgpack", taken=2),
    EventLog(events=[Event("response.output_text.delta", b'{"delta":"a"}')]),
]
"""What is kept between requests, and read by a newer version later."""

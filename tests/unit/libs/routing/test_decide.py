"""The routing decision."""

import math
from collections import Counter
from typing import Any

import msgspec
import pytest

from libs.catalog.models import curated, find
from libs.contracts.decisions import Candidate, Decision, Ruling, Target
from libs.contracts.errors import ModelNotFound, ProviderBusy, ProviderKeyMissing, RateLimited, RouterError, RoutingError
from libs.contracts.health import OfferedModel, ProviderAccount
from libs.contracts.models import PROVIDERS, parse_model
from libs.contracts.requests import RequestFacts
from libs.contracts.telemetry import Rest
from libs.routing.decide import VECTORS_DIFFER, decide, shortlisted
from libs.routing.score import WEIGHTS, confidence, goodness
from libs.routing.snapshot import OWN, Snapshot

NOW = 1000.0


def account(provider: str, name: str = "default", *models: OfferedModel, configured: bool = True) -> ProviderAccount:
    return ProviderAccount(provider=provider, account=name, has_key=configured, configured=configured, models=list(models))


ALL = {name: [account(name)] for name in PROVIDERS}
BOTH = {name: ALL[name] for name in ("openai", "anthropic")}
KEYLESS = {"openai": ALL["openai"], "anthropic": [account("anthropic", configured=False)]}
SPARE = {"openai": [account("openai"), account("openai", "2")], "anthropic": ALL["anthropic"]}


def decided(
    model: str, ruled: Target | None = None, accounts: Any = ALL, own_keys: tuple[str, ...] = (), rests: tuple[Rest, ...] = (), **facts: Any
) -> Decision:
    known = RequestFacts(model=model, target=parse_model(model), input_chars=facts.pop("input_chars", 2000), **facts)
    snapshot = Snapshot(accounts=accounts, own_keys=frozenset(own_keys), rest_of=lambda *called: rest_among(rests, *called))
    return decide("req_1", known, Ruling(revision=0, target=ruled or Target()), snapshot, now=NOW)


def rest_among(rests: tuple[Rest, ...], provider: str, account: str, model: str) -> Rest | None:
    return next((one for one in rests if (one.provider, one.account) == (provider, account) and one.model in ("", model)), None)


def resting(provider: str, seconds: float, *, account: str = "default", code: str = "rate_limit_exceeded", **known: Any) -> Rest:
    return Rest(provider=provider, account=account, until=NOW + seconds, code=code, **known)


def called(decision: Decision) -> list[tuple[str, str, str]]:
    return [(one.provider, one.account, one.model) for one in decision.candidates]


@pytest.mark.parametrize("mode", WEIGHTS)
def test_the_score_is_the_weighted_sum_and_the_order_follows_it(mode: Any) -> None:
    decision = decided(f"auto:{mode}")
    assert decision.mode == mode
    assert len(decision.candidates) == len(curated())
    cost, quality, latency = WEIGHTS[mode]
    for one in decision.candidates:
        assert one.score == pytest.approx(cost * one.cost + quality * one.quality + latency * one.latency, abs=2e-4)
    assert [one.score for one in decision.candidates] == sorted((one.score for one in decision.candidates), reverse=True)


def test_modes_choose_by_their_weights() -> None:
    best = {mode: decided(f"auto:{mode}").candidates[0] for mode in WEIGHTS}
    assert best["quality"].quality > best["cost"].quality
    assert best["cost"].cost >= best["quality"].cost
    assert best["latency"].latency == max(one.latency for one in best.values()) > best["quality"].latency


@pytest.mark.parametrize(
    ("model", "expected"),
    [("gpt-4o", ("openai", "gpt-4o")), ("anthropic/claude-haiku-4-5", ("anthropic", "claude-haiku-4-5")), ("gpt-4o:cost", ("openai", "gpt-4o"))],
)
def test_a_named_model_is_the_only_candidate(model: str, expected: tuple[str, str]) -> None:
    decision = decided(model)
    assert [(one.provider, one.model) for one in decision.candidates] == [expected]
    assert decision.confidence == 1.0


def test_a_rule_beats_the_override_and_that_beats_the_model() -> None:
    override = Target(model="gpt-4.1")
    assert decided("gpt-4o", override=override).candidates[0].model == "gpt-4.1"
    assert decided("gpt-4o", Target(model="gpt-5"), override=override).candidates[0].model == "gpt-5"


def test_a_provider_set_by_a_rule_frees_a_model_it_does_not_have() -> None:
    decision = decided("gpt-4o", Target(provider="anthropic"))
    assert {one.provider for one in decision.candidates} == {"anthropic"}
    assert "gpt-4o" in decision.warnings[0].message


def test_a_model_set_by_a_rule_frees_a_provider_that_lacks_it() -> None:
    decision = decided("openai/gpt-4o", Target(model="claude-haiku-4-5"))
    assert decision.candidates[0].provider == "anthropic"
    assert decision.warnings


def test_errors_say_what_is_missing() -> None:
    with pytest.raises(ModelNotFound):
        decided("no-such-model")
    with pytest.raises(ModelNotFound):
        decided("openai/no-such-model")
    with pytest.raises(ProviderKeyMissing, match="ANTHROPIC_API_KEY"):
        decided("anthropic/claude-haiku-4-5", accounts=KEYLESS)
    with pytest.raises(RoutingError, match="no worker"):
        decided("gemini/gemini-2.5-pro", accounts=BOTH)


def test_a_key_from_the_client_opens_a_provider_and_breaks_ties_only() -> None:
    assert decided("anthropic/claude-haiku-4-5", accounts=KEYLESS, own_keys=("anthropic",)).candidates
    plain, with_key = decided("auto"), decided("auto", own_keys=("anthropic",))
    assert plain.candidates[0] == with_key.candidates[0]
    equals = {name: [account(name, "default", OfferedModel(id="a"))] for name in PROVIDERS}
    for name in PROVIDERS:
        assert decided("a", accounts=equals, own_keys=(name,)).candidates[0].provider == name


def test_what_a_model_cannot_do_excludes_it_with_the_reason() -> None:
    decision = decided("auto", builtin_tools=["web_search"])
    assert {one.provider for one in decision.candidates} == {"openai"}
    assert all("web_search" in one.reason for one in decision.excluded)
    long = decided("auto", input_chars=1_200_000)
    assert {one.model for one in long.excluded} >= {"gpt-4o", "gpt-4o-mini"}


def test_models_from_the_settings_have_no_price() -> None:
    accounts = {"openai": [account("openai", "default", OfferedModel(id="my-own"))]}
    candidate = decided("openai/my-own", accounts=accounts).candidates[0]
    assert candidate.price is None
    assert candidate.expected_usd is None


def test_ties_are_spread() -> None:
    accounts = {name: [account(name, "default", OfferedModel(id="a"))] for name in BOTH}
    facts = RequestFacts(model="a", target=Target(model="a"))
    snapshot = Snapshot(accounts=accounts)
    first = Counter(decide(f"req_{n}", facts, Ruling(revision=0), snapshot).candidates[0].provider for n in range(1000))
    assert 400 < first["openai"] < 600


def test_only_candidates_that_may_be_tried_travel_and_all_are_on_record() -> None:
    whole = decided("auto:latency")
    short = shortlisted(whole, 3)
    assert short.candidates[:3] == whole.candidates[:3]
    assert {one.provider for one in short.candidates} == set(PROVIDERS)
    assert len(short.candidates) <= 3 + len(PROVIDERS)
    assert len(shortlisted(whole, 10).candidates) >= 10
    recorded = msgspec.json.decode(short.scored, type=list[Candidate])
    assert [one.model for one in recorded] == [one.model for one in whole.candidates]
    assert all(one.price is None for one in recorded)


def test_goodness_and_confidence() -> None:
    assert goodness([1.0, 3.0, 2.0, None]) == [1.0, 0.0, 0.5, 0.0]
    assert goodness([2.0, 2.0]) == [1.0, 1.0]
    assert goodness([None]) == [0.0]
    assert confidence([0.7]) == 1.0
    assert confidence([0.7, 0.7]) == 0.5


class TestAccounts:
    def test_they_follow_each_other_in_their_order(self) -> None:
        three = {"openai": [account("openai"), account("openai", "3"), account("openai", "2")]}
        assert [one.account for one in decided("gpt-4o", accounts=three).candidates] == ["default", "3", "2"]

    def test_all_of_a_model_before_the_next_model(self) -> None:
        decision = decided("openai/auto", accounts=SPARE)
        order = called(decision)
        assert order[::2] == [(provider, "default", model) for provider, _, model in order[1::2]]
        assert len(order) == 2 * sum(model.provider == "openai" for model in curated())

    def test_a_second_account_does_not_make_the_choice_less_clear(self) -> None:
        assert decided("gpt-4o", accounts=SPARE).confidence == 1.0
        assert decided("auto", accounts=SPARE).confidence == decided("auto", accounts=BOTH).confidence

    def test_one_without_a_key_is_left_out(self) -> None:
        some = {"openai": [account("openai", configured=False), account("openai", "2")]}
        assert called(decided("gpt-4o", accounts=some)) == [("openai", "2", "gpt-4o")]

    def test_the_clients_own_key_stands_alone(self) -> None:
        assert called(decided("gpt-4o", accounts=SPARE, own_keys=("openai",))) == [("openai", OWN, "gpt-4o")]
        assert {one.account for one in decided("auto", accounts=SPARE, own_keys=("openai",)).candidates if one.provider == "anthropic"} == {"default"}

    def test_the_best_of_each_account_travels(self) -> None:
        whole = decided("auto", accounts=SPARE)
        short = shortlisted(whole, 1)
        assert short.candidates[0] == whole.candidates[0]
        assert {(one.provider, one.account) for one in short.candidates} == {("openai", "default"), ("openai", "2"), ("anthropic", "default")}
        assert len(short.candidates) == 3


class TestResting:
    def test_what_rests_is_excluded_with_the_reason_and_its_end(self) -> None:
        decision = decided("auto", rests=(resting("openai", 7.5, model="gpt-4o"),))
        assert ("openai", "default", "gpt-4o") not in called(decision)
        [excluded] = decision.excluded
        assert (excluded.provider, excluded.model, excluded.until) == ("openai", "gpt-4o", NOW + 7.5)
        assert excluded.reason == "rate_limit_exceeded; left alone for 7.5 s"

    def test_an_open_breaker_says_what_opened_it(self) -> None:
        decision = decided("auto", rests=(resting("gemini", 3, code="upstream_timeout", failures=5, model="gemini-4-argon"),))
        assert decision.excluded[0].reason == "breaker open after 5 failures, upstream_timeout; left alone for 3.0 s"

    def test_p75_a_turned_down_account_is_passed_over_for_all_its_models(self) -> None:
        decision = decided("openai/auto", accounts=SPARE, rests=(resting("openai", 30, code="provider_key_invalid", advice=True),))
        assert {account for _, account, _ in called(decision)} == {"2"}
        assert len(decision.excluded) == len(decision.candidates)

    def test_another_account_serves_the_model(self) -> None:
        decision = decided("gpt-4o", accounts=SPARE, rests=(resting("openai", 9, account="2", model="gpt-4o"),))
        assert called(decision) == [("openai", "default", "gpt-4o")]
        assert decision.excluded[0].reason.endswith("(account 2)")

    def test_a_key_of_the_clients_own_never_rests(self) -> None:
        rests = (resting("openai", 9), resting("openai", 9, account=OWN))
        assert called(decided("gpt-4o", own_keys=("openai",), rests=rests)) == [("openai", OWN, "gpt-4o")]

    def test_advice_gives_way_when_nothing_else_is_left(self) -> None:
        advised = resting("openai", 30, code="provider_key_invalid", advice=True)
        assert called(decided("gpt-4o", rests=(advised,))) == [("openai", "default", "gpt-4o")]
        limited = resting("openai", 5, account="2")
        assert called(decided("gpt-4o", accounts=SPARE, rests=(advised, limited))) == [("openai", "default", "gpt-4o")]

    @pytest.mark.parametrize(
        ("code", "kind"), [("rate_limit_exceeded", RateLimited), ("upstream_unavailable", ProviderBusy), ("upstream_timeout", ProviderBusy)]
    )
    @pytest.mark.parametrize("seconds", [0.2, 7.0, 7.4])
    def test_when_everything_rests_the_client_hears_when_to_come_back(self, code: str, kind: type[RouterError], seconds: float) -> None:
        rests = (resting("openai", 40, code="upstream_error", failures=9), resting("openai", seconds, account="2", code=code))
        with pytest.raises(kind, match="left alone for") as raised:
            decided("openai/auto", accounts=SPARE, rests=rests)
        info = raised.value.info
        assert type(raised.value) is kind
        assert (info.retry_after, info.provider) == (math.ceil(seconds), "openai")

    def test_what_cannot_serve_the_request_is_no_reason_to_come_back(self) -> None:
        rests = (resting("openai", 40), resting("anthropic", 2))
        with pytest.raises(RateLimited) as raised:
            decided("auto", accounts=BOTH, rests=rests, builtin_tools=["web_search"])
        assert raised.value.info.retry_after == 40


class TestCompatibleServers:
    LLAMA = OfferedModel(id="llama-3.3-70b-versatile")
    GPT_OSS = OfferedModel(id="openai/gpt-oss-120b")
    SERVED = {**ALL, "groq": [account("groq", "default", LLAMA, GPT_OSS), account("groq", "2", LLAMA, GPT_OSS)]}
    NEXT = [("groq", "default", LLAMA.id), ("groq", "2", LLAMA.id)]

    def test_the_provider_may_stand_before_the_model(self) -> None:
        assert called(decided("groq/llama-3.3-70b-versatile", accounts=self.SERVED)) == self.NEXT
        decision = decided("groq/llama-3.3-70b-versatile:cost", accounts=self.SERVED)
        assert (called(decision), decision.mode) == (self.NEXT, "cost")
        assert called(decided("auto", override=Target(model="groq/llama-3.3-70b-versatile"), accounts=self.SERVED)) == self.NEXT
        assert called(decided("auto", Target(model="groq/llama-3.3-70b-versatile"), accounts=self.SERVED)) == self.NEXT

    def test_the_model_alone_finds_its_provider(self) -> None:
        assert called(decided("llama-3.3-70b-versatile", accounts=self.SERVED)) == self.NEXT

    def test_a_models_id_may_begin_with_another_providers_name(self) -> None:
        assert called(decided("groq/openai/gpt-oss-120b", accounts=self.SERVED))[0] == ("groq", "default", "openai/gpt-oss-120b")
        asked = Target(provider="groq", model="openai/gpt-oss-120b")
        assert called(decided("auto", override=asked, accounts=self.SERVED))[0] == ("groq", "default", "openai/gpt-oss-120b")

    def test_who_does_not_serve_it_is_not_asked(self) -> None:
        with pytest.raises(ModelNotFound):
            decided("groq/llama-3.3-70b-versatile")

    def test_router_provider_and_auto_choose_among_its_models_once_each(self) -> None:
        for decision in (
            decided("auto", override=Target(provider="groq"), accounts=self.SERVED), decided("groq/auto", accounts=self.SERVED)
        ):
            assert sorted(called(decision)) == sorted(("groq", name, one.id) for name in ("default", "2") for one in (self.LLAMA, self.GPT_OSS))

    def test_auto_chooses_it_only_when_the_settings_say_so(self) -> None:
        assert "groq" not in {one.provider for one in decided("auto", accounts=self.SERVED).candidates}
        chosen = OfferedModel(id="llama", auto=True, quality=1.0, input_usd_per_mtok="0", output_usd_per_mtok="0")
        best = decided("auto:quality", accounts={**ALL, "mine": [account("mine", "default", chosen)]}).candidates[0]
        assert (best.provider, best.model, best.expected_usd) == ("mine", "llama", 0.0)

    def test_what_the_settings_say_of_a_curated_model_replaces_the_catalog(self) -> None:
        accounts = {"openai": [account("openai", "default", OfferedModel(id="gpt-4o", context_window=1000))]}
        decision = decided("auto", accounts=accounts, input_chars=20_000)
        assert [(one.model, one.reason) for one in decision.excluded] == [("gpt-4o", "needs about 5000 tokens, has 1000")]
        assert len(decision.candidates) == sum(model.provider == "openai" for model in curated()) - 1


EMBEDDERS = {("openai", "text-embedding-3-small"), ("openai", "text-embedding-3-large"), ("mistral", "mistral-embed"),
             ("gemini", "gemini-embedding-001")}


class TestEmbeddings:
    def test_auto_chooses_among_embedding_models_and_says_so(self) -> None:
        decision = decided("auto", embeddings=True)
        assert {(one.provider, one.model) for one in decision.candidates} == EMBEDDERS
        assert [one.message for one in decision.warnings] == [VECTORS_DIFFER]
        assert decision.excluded == []

    def test_auto_for_an_answer_sees_none_of_them(self) -> None:
        decision = decided("auto")
        assert not EMBEDDERS & {(one.provider, one.model) for one in (*decision.candidates, *decision.excluded)}
        assert decision.warnings == []

    @pytest.mark.parametrize("mode", WEIGHTS)
    def test_they_are_scored_by_the_modes_weights_without_output(self, mode: Any) -> None:
        decision = decided(f"auto:{mode}", embeddings=True, input_chars=4_000_000)
        cost, quality, latency = WEIGHTS[mode]
        for one in decision.candidates:
            assert one.score == pytest.approx(cost * one.cost + quality * one.quality + latency * one.latency, abs=2e-4)
            assert one.price
            assert one.expected_usd == pytest.approx(1_000_001 * float(one.price.input or "0") / 1e6)
        best = {mode: decided(f"auto:{mode}", embeddings=True).candidates[0].model for mode in ("cost", "quality")}
        assert best == {"cost": "text-embedding-3-small", "quality": "gemini-embedding-001"}

    def test_a_named_model_is_the_only_one_at_all_its_accounts(self) -> None:
        accounts = SPARE | {"my-llm": [account("my-llm", "default", OfferedModel(id="text-embedding-3-small"))]}
        decision = decided("text-embedding-3-small", accounts=accounts, embeddings=True)
        assert called(decision) == [
            ("openai", "default", "text-embedding-3-small"), ("openai", "2", "text-embedding-3-small"),
            ("my-llm", "default", "text-embedding-3-small"),
        ]
        assert decision.warnings == []

    def test_another_model_never_stands_in_for_the_named_one(self) -> None:
        with pytest.raises(RoutingError, match="vectors of different models cannot be compared"):
            decided("text-embedding-3-small", Target(provider="mistral"), embeddings=True)
        with pytest.raises(RoutingError, match="vectors of different models cannot be compared"):
            decided("text-embedding-3-small", override=Target(provider="gemini"), embeddings=True)
        assert decided("text-embedding-3-small", Target(model="mistral-embed"), embeddings=True).candidates[0].model == "mistral-embed"
        assert decided("auto", Target(provider="mistral"), embeddings=True).candidates[0].model == "mistral-embed"

    def test_each_kind_of_model_refuses_the_others_requests(self) -> None:
        with pytest.raises(RoutingError, match="openai/text-embedding-3-small: makes embeddings, and answers nothing"):
            decided("text-embedding-3-small")
        with pytest.raises(RoutingError, match="openai/gpt-4o: makes no embeddings"):
            decided("gpt-4o", embeddings=True)
        with pytest.raises(RoutingError, match=r"'anthropic' \(no embedding model to choose from"):
            decided("anthropic/auto", embeddings=True)
        with pytest.raises(ModelNotFound):
            decided("no-such-embedding", embeddings=True)

    def test_an_operators_own_models_are_told_apart_too(self) -> None:
        mine = [OfferedModel(id="nomic-embed-text", auto=True), OfferedModel(id="vectors", has=("embeddings",)), OfferedModel(id="llama")]
        accounts = {"ollama": [account("ollama", "default", *mine)]}
        found = decided("ollama/auto", accounts=accounts, embeddings=True).candidates
        assert {one.model for one in found} == {"nomic-embed-text", "vectors"}
        assert [one.model for one in decided("auto", accounts=accounts, embeddings=True).candidates] == ["nomic-embed-text"]
        assert [one.model for one in decided("ollama/auto", accounts=accounts).candidates] == ["llama"]
        assert decided("vectors", accounts=accounts, embeddings=True).candidates
        with pytest.raises(RoutingError):
            decided("vectors", accounts=accounts)

    def test_many_long_inputs_are_not_held_against_the_window_of_one(self) -> None:
        assert decided("text-embedding-3-small", embeddings=True, input_chars=2_000_000).candidates


@pytest.mark.parametrize("offers", [(), (OfferedModel(id="deepseek-v4-pro"),)])
@pytest.mark.parametrize("model", ["deepseek-v4-pro", "deepseek/auto"])
def test_the_price_is_that_of_the_moment_that_is_decided_about(model: str, offers: tuple[OfferedModel, ...]) -> None:
    facts = RequestFacts(model=model, target=parse_model(model), input_chars=2000)
    snapshot = Snapshot(accounts={"deepseek": [account("deepseek", "default", *offers)]})
    found = []
    for at in (1_740_000_000.0, 1_795_000_000.0):
        decision = decide("req_1", facts, Ruling(revision=0), snapshot, now=at)
        [candidate] = [one for one in decision.candidates if one.model == "deepseek-v4-pro"]
        known = find("deepseek", "deepseek-v4-pro", at)
        assert known is not None
        assert candidate.price == known.price
        found.append(candidate.expected_usd)
    assert found[0] != found[1]

"""A preview: what each stage decided, and the route that follows from it."""

import msgspec
from msgspec import structs

from libs.contracts.decisions import Decision
from services.router.preview import previewed
from tests.contracts.samples import ROUTED, RULED


def test_a_preview_tells_what_would_have_been_done() -> None:
    told = previewed(RULED, ROUTED.decision)
    assert (told.request_id, told.dispatch) == (RULED.request_id, RULED.dispatch)
    preview = msgspec.json.decode(told.preview)
    assert preview["object"] == "routing.preview"
    assert preview["request_id"] == RULED.request_id
    assert preview["route"] == {"provider": "openai", "model": "gpt-5", "account": "2"}
    assert (preview["decision"]["mode"], preview["decision"]["confidence"]) == ("cost", 0.8)
    assert [one["reason"] for one in preview["decision"]["excluded"]] == ["no key"]
    assert preview["rule_trace"] == msgspec.json.decode(RULED.ruling.trace)
    assert (preview["firewall"]["checked"], preview["firewall"]["masked"]) == (10, 1)
    assert [rule["rule_id"] for rule in preview["firewall"]["trace"]] == [2]
    assert [warning["source"] for warning in preview["warnings"]] == ["firewall", "router"]


def test_the_route_is_the_candidate_that_would_be_called_and_lists_of_prices_stay_out() -> None:
    first: Decision = structs.replace(ROUTED.decision, chosen=0)
    preview = msgspec.json.decode(previewed(RULED, first).preview)
    assert preview["route"] == {"provider": "openai", "model": "gpt-4o", "account": "default"}
    assert not [one for one in preview["decision"]["candidates"] if "price" in one]
    assert preview["decision"]["candidates"][0]["expected_usd"] == 0.001

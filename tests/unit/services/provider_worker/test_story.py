"""What the ledger and the response tell of a request is the same."""

from services.provider_worker import story
from services.provider_worker.dialect import Usage
from tests.contracts.samples import ROUTED

CANDIDATE = ROUTED.decision.candidates[ROUTED.decision.chosen]


def test_the_ledger_has_the_warnings_of_the_response() -> None:
    found = ["the answer does not fit its schema at .city: it is too long"]
    usage = Usage()
    ending = story.Ending(status="completed", usage=usage, spent=story.spent(CANDIDATE, usage), warnings=found)
    row = story.ended_row(ROUTED, CANDIDATE, ending, http_status=200, now=ROUTED.created_at + 1, worker="worker-1", ttft_ms=None)
    assert row.warnings == story.tokenrouter_of(ROUTED, CANDIDATE, warnings=found)["warnings"]
    assert [(one.source, one.message) for one in row.warnings][-2:] == [
        ("provider-worker", "openai/gpt-4o broke off after 1 item; another candidate went on from there"), ("provider-worker", found[0]),
    ]

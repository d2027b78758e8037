"""Compaction: what the model is asked, what the client gets, and what the next turn reads."""

from typing import Any

import pytest

from libs.responses.frame import Frame
from libs.vault.envelopes import Envelopes
from services.provider_worker.compaction import compacted, opened, request_of
from services.provider_worker.dialect import Outcome, ProviderFailure, Usage

Json = dict[str, Any]
ENVELOPES = Envelopes(bytes(32), "default")
ASKED: Json = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "what is 6 x 7?"}]}
ANSWERED: Json = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "42"}]}


def frame(number: int = 1) -> Frame:
    digits = f"{number:032x}"
    return Frame({}, response_id=f"resp_{digits}", request_id="req_1", created_at=1, model="gpt-4o", metadata={})


def said(*texts: str, status: Any = "completed") -> Outcome:
    output = [{"type": "message", "content": [{"type": "output_text", "text": text}]} for text in texts]
    return Outcome(status=status, response={"output": output}, usage=Usage())


def output_of(outcome: Outcome, request: Json, envelopes: Envelopes = ENVELOPES, number: int = 1) -> list[Json]:
    output: list[Json] = compacted(outcome, request, frame(number), envelopes, "gpt-4o").response["output"]
    return output


def text_of(item: Json) -> str:
    return str(item["content"][0]["text"])


def test_the_conversation_is_kept_and_the_order_comes_last() -> None:
    request = request_of({"model": "gpt-4o", "input": [ASKED, ANSWERED], "instructions": "be brief", "tools": [{}], "text": {"format": {}}})
    assert request["input"][:2] == [ASKED, ANSWERED]
    assert request["input"][2]["role"] == "developer"
    assert len(request["input"]) == 3
    assert request["instructions"] == "be brief"
    assert not {"tools", "tool_choice", "text"} & request.keys()


def test_a_text_is_a_conversation_of_one_message() -> None:
    assert request_of({"input": "what is 6 x 7?"})["input"][0] == ASKED


def test_the_client_gets_its_own_messages_and_a_sealed_summary() -> None:
    message, compaction = output_of(said("He asked for ", "a product."), {"input": [ASKED, ANSWERED]})
    assert message.items() >= ASKED.items()
    assert message["status"] == "completed"
    assert compaction["type"] == "compaction"
    assert "product" not in compaction["encrypted_content"]
    assert message["id"] != compaction["id"]


def test_the_next_turn_reads_the_summary() -> None:
    output = output_of(said("He asked for a product."), {"input": [ASKED, ANSWERED]})
    read = opened({"input": [*output, ASKED]}, ENVELOPES)["input"]
    assert [item["role"] for item in read] == ["user", "developer", "user"]
    assert text_of(read[1]).endswith("He asked for a product.")


def test_an_earlier_summary_stays_word_for_word() -> None:
    first = output_of(said("First part."), {"input": [ASKED]})
    second = output_of(said("Second part."), {"input": [*first, ASKED]}, number=2)
    assert [item["type"] for item in second] == ["message", "message", "compaction"]
    assert text_of(opened({"input": second}, ENVELOPES)["input"][-1]).endswith("First part.\n\nSecond part.")
    assert len({item["id"] for item in [*first, *second]}) == len(first) + len(second) - 1  # the first message keeps its id


def test_a_provider_gets_other_compaction_items_as_they_are() -> None:
    theirs = {"type": "compaction", "encrypted_content": "fake"}
    foreign = output_of(said("Secret."), {"input": [ASKED]}, Envelopes(bytes(32), "another"))[-1]
    for item in (theirs, foreign):
        assert opened({"input": [item]}, ENVELOPES)["input"] == [item]
    untouched: Json = {"input": "hi"}
    assert opened(untouched, ENVELOPES) is untouched


def test_no_summary_is_a_failure() -> None:
    with pytest.raises(ProviderFailure) as raised:
        output_of(said(" \n"), {"input": [ASKED]})
    assert raised.value.billing == "billed"


def test_a_failed_answer_stays_one() -> None:
    outcome = said("half", status="failed")
    assert compacted(outcome, {"input": [ASKED]}, frame(), ENVELOPES, "gpt-4o") is outcome

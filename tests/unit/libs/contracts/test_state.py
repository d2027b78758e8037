"""The ids of what is kept, each of which tells the others."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.state import StoredResponse, issued_key, request_id_of, response_id_of


@given(st.uuids())
def test_every_id_leads_back_to_the_request(made: uuid.UUID) -> None:
    request_id = f"req_{made}"
    assert response_id_of(request_id) == f"resp_{made.hex}"
    assert issued_key(request_id) == f"idem_{made.hex}"
    for some_id in (request_id, response_id_of(request_id), issued_key(request_id)):
        assert request_id_of(some_id) == request_id


LIKE_IDS = st.builds("{}_{}".format, st.sampled_from(["req", "resp", "idem", "msg", ""]), st.text("0123456789abcdefABCDEF-.*>", max_size=40))


@given(st.text() | LIKE_IDS)
def test_what_is_taken_for_an_id_has_one_form(text: str) -> None:
    """It becomes part of a subject, so nothing but hexadecimal digits may get through."""
    request_id = request_id_of(text)
    if request_id is not None:
        assert str(uuid.UUID(request_id.removeprefix("req_"))) == request_id.removeprefix("req_")
        assert response_id_of(request_id).removeprefix("resp_").isalnum()


@pytest.mark.parametrize(
    "text",
    [
        "", "resp_", "resp_1", "msg_" + "0" * 32, "resp_" + "0" * 31, "resp_" + "A" * 32, "resp_" + "0" * 31 + "*", "0" * 32,
        "resp_" + "\N{ARABIC-INDIC DIGIT ZERO}" * 32,
    ],
)
def test_everything_else_is_none_of_ours(text: str) -> None:
    assert request_id_of(text) is None


@pytest.mark.parametrize(
    ("status", "over"),
    [("queued", False), ("in_progress", False), ("completed", True), ("incomplete", True), ("failed", True), ("cancelled", True)],
)
def test_a_response_is_over_when_nothing_will_change_any_more(status: str, over: bool) -> None:
    stored = StoredResponse(request_id=f"req_{uuid.UUID(int=1)}", created_at=1.0, status=status, response=b"{}")
    assert stored.over is over
    assert stored.response_id == "resp_" + "0" * 31 + "1"

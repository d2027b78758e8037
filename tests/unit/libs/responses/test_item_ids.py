"""Item ids tell of their response, and no two items share one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.state import StoredResponse
from libs.responses.item_ids import item_id, response_id_in
from libs.state.responses import input_item_id

RESPONSES = st.text("0123456789abcdef", min_size=32, max_size=32).map(lambda digits: f"resp_{digits}")
PREFIXES = st.sampled_from(["msg", "rs", "fc", "ctc", "mcpl"])
PLACES = st.tuples(RESPONSES, st.integers(0, 5000), st.integers(1, 16))


@given(PREFIXES, PLACES)
def test_an_id_tells_of_its_response(prefix: str, place: tuple[str, int, int]) -> None:
    made = item_id(prefix, *place)
    assert made == item_id(prefix, *place)
    assert made.startswith(f"{prefix}_tr")
    assert len(made) <= 64
    assert response_id_in(made) == place[0]


@given(PLACES, PLACES)
def test_no_two_items_of_a_response_share_an_id(one: tuple[str, int, int], other: tuple[str, int, int]) -> None:
    assert (item_id("msg", *one) == item_id("msg", *other)) is (one == other)


def test_ids_of_input_items_tell_of_the_response_they_were_sent_for() -> None:
    stored = StoredResponse(
        request_id="req_01234567-89ab-cdef-0123-456789abcdef", created_at=1.0, status="completed", response=b"{}", input=b"[]"
    )
    for index in (0, 9, 300):
        made = input_item_id(stored, {"type": "message", "role": "user", "content": "Hi"}, index)
        assert response_id_in(made) == stored.response_id
        assert made not in {item_id("msg", stored.response_id, n, attempt) for n in range(40) for attempt in (1, 2, 3)}


@pytest.mark.parametrize("other", [
    "msg_68f0a1c2d3e4f5a6b7c8d9e0f1a2b3c4", "call_tr0123456789abcdef0123456789abcd", "msg_tr" + "0" * 32, "msg_tr" + "0" * 33,
    "msg_tr" + "0" * 32 + "0g", "msg_tr" + "0" * 32 + "i", "MSG_tr" + "0" * 34, "msg_tr" + "0" * 34 + "\n", "", None, 7, [],
])
def test_other_ids_tell_of_nothing(other: object) -> None:
    assert response_id_in(other) is None

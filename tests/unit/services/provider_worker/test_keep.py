"""What of a request's input is this turn's own."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.state import Keeping
from services.provider_worker.keep import own_input

ITEMS: list[dict[str, Any]] = [{"type": "message", "role": "user", "content": f"turn {number}"} for number in range(4)]


@given(st.integers(0, 4))
def test_earlier_turns_are_left_out(history: int) -> None:
    assert own_input({"input": ITEMS}, Keeping(history=history)) == ITEMS[history:]


def test_a_text_becomes_the_message_that_it_stands_for() -> None:
    assert own_input({"input": "hi"}, Keeping()) == [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]


def test_a_request_without_input_has_none() -> None:
    assert own_input({}, Keeping()) == own_input({"input": None}, Keeping()) == []

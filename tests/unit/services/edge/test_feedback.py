import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.errors import ValidationFailed
from services.edge.feedback import MOST_COMMENT, MOST_LABEL, Opinion, opinion_in, rated

REQUEST = "req_00000000-0000-4000-8000-00000000000a"
DIGITS = "0000000000004000800000000000000a"


@given(st.floats(0, 1) | st.integers(0, 1), st.text(max_size=MOST_LABEL) | st.none(), st.text(max_size=MOST_COMMENT) | st.none())
def test_what_is_allowed_is_taken_as_it_is(score: float, label: str | None, comment: str | None) -> None:
    found = opinion_in({"score": score, "label": label, "comment": comment, "of_no_interest": 1})
    assert found == Opinion(score=score, label=label or "", comment=comment or "")


@pytest.mark.parametrize(("body", "field", "words"), [
    ({}, "score", "required"),
    ({"score": None}, "score", "required"),
    ({"score": True}, "score", "thumb"),
    ({"score": False}, "score", "thumb"),
    ({"score": "1"}, "score", "number"),
    ({"score": 1.01}, "score", "0 to 1"),
    ({"score": -0.01}, "score", "0 to 1"),
    ({"score": float("nan")}, "score", "0 to 1"),
    ({"score": 10**400}, "score", "0 to 1"),
    ({"score": [1]}, "score", "number"),
    ({"score": 1, "label": 5}, "label", "string"),
    ({"score": 1, "label": "x" * (MOST_LABEL + 1)}, "label", "64"),
    ({"score": 1, "comment": ["x"]}, "comment", "string"),
    ({"score": 1, "comment": "x" * (MOST_COMMENT + 1)}, "comment", "2,000"),
])
def test_a_complaint_names_the_field(body: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ValidationFailed, match=words) as caught:
        opinion_in(body)
    assert (caught.value.info.status, caught.value.info.param) == (422, field)


@pytest.mark.parametrize("some_id", [REQUEST, f"resp_{DIGITS}", f"chatcmpl-{DIGITS}", f"msg_{DIGITS}"])
def test_every_id_that_an_answer_bears_names_its_request(some_id: str) -> None:
    assert rated(some_id) == REQUEST


@given(st.text(alphabet=string.ascii_lowercase + string.digits + "_-", max_size=50) | st.sampled_from([f"chatcmpl_{DIGITS}", f"msg-{DIGITS}"]))
def test_other_texts_name_none(text: str) -> None:
    assert rated(text) is None

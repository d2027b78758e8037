"""Request ids and trace context."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from services.edge import ids


def test_a_request_id_is_a_uuid_of_version_4() -> None:
    request_id, span = ids.fresh()
    assert uuid.UUID(request_id.removeprefix("req_")).version == 4
    assert len(span) == 16
    assert ids.request_id() != request_id


@given(st.uuids(version=4), st.integers(1, 127))
def test_siblings_are_ids_of_their_own(first: uuid.UUID, number: int) -> None:
    request_id = f"req_{first}"
    sibling = ids.sibling(request_id, number)
    assert sibling != request_id
    assert sibling == ids.sibling(request_id, number)
    assert uuid.UUID(sibling.removeprefix("req_")).version == 4
    assert sibling[:-12] == request_id[:-12]


def test_the_clients_trace_goes_on_with_our_span() -> None:
    trace, span = "a" * 32, "c" * 16
    assert ids.traceparent(f"00-{trace}-{'b' * 16}-00", span) == f"00-{trace}-{span}-00"
    assert ids.traceparent("nonsense", span).split("-")[2:] == [span, "01"]

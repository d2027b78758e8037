"""Server-sent events from bytes cut anywhere."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.responses.sse import ServerSentEvent, SseParser, StreamTooLarge


def parse(*chunks: bytes) -> list[tuple[str, bytes]]:
    parser = SseParser()
    return [(event.event, event.data) for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(("stream", "expected"), [
    (b"event: a\ndata: 1\n\n", [("a", b"1")]),
    (b"data: 1\n\ndata: 2\n\n", [("message", b"1"), ("message", b"2")]),
    (b"data:1\ndata:  2\n\n", [("message", b"1\n 2")]),
    (b": ping\n\nid: 7\nretry: 9\ndata: x\n\n", [("message", b"x")]),
    (b"event: a\r\ndata: 1\r\n\r\n", [("a", b"1")]),
    (b"event: a\rdata: 1\r\rdata: 2\r\r", [("a", b"1"), ("message", b"2")]),
    (b"\n\n\n\ndata: late\n\n\n\n", [("message", b"late")]),
    (b"\xef\xbb\xbfdata: bom\n\n", [("message", b"bom")]),
    (b"event: only-a-name\n\n", []), (b"data\n\n", [("message", b"")]), (b"data: unfinished\n", []),
    ("data: Grüße 👋\n\n".encode(), [("message", "Grüße 👋".encode())]),
])
def test_p67_forms_of_the_format(stream: bytes, expected: list[tuple[str, bytes]]) -> None:
    assert parse(stream) == expected
    assert parse(*(stream[index:index + 1] for index in range(len(stream)))) == expected


@given(
    lines=st.lists(st.sampled_from(["data: x", "data:", "event: e", ": c", "", "", "data: ü👋"]), max_size=25),
    ending=st.sampled_from(["\n", "\r\n", "\r"]), data=st.data(),
)
def test_cuts_change_nothing(lines: list[str], ending: str, data: st.DataObject) -> None:
    stream = ending.join([*lines, "", ""]).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    expected = parse("\n".join([*lines, "", ""]).encode())
    assert parse(stream) == expected
    assert parse(*pieces) == expected


def test_an_event_over_the_limit_is_refused_while_it_grows() -> None:
    parser = SseParser(limit=1000)
    parser.feed(b"data: " + b"x" * 900)
    with pytest.raises(StreamTooLarge):
        parser.feed(b"x" * 200)


def test_the_limit_is_for_one_event_not_for_the_stream() -> None:
    parser = SseParser(limit=1000)
    assert sum(len(parser.feed(b"data: " + b"x" * 600 + b"\n\n")) for _ in range(50)) == 50


def test_a_large_event_in_small_pieces_takes_linear_time() -> None:
    # 8 MB in pieces of 64 bytes: joining at each piece would copy half a terabyte.
    parser, piece = SseParser(), b"x" * 64
    began = time.process_time()
    parser.feed(b"data: ")
    for _ in range(130_000):
        parser.feed(piece)
    [event] = parser.feed(b"\n\n")
    assert len(event.data) == 130_000 * 64
    assert time.process_time() - began < 10


def test_close_gives_a_whole_last_event_without_its_blank_line() -> None:
    parser = SseParser()
    assert parser.feed(b'data: {"a":1}\n\nevent: end\ndata: {"b":2}') == [ServerSentEvent("message", b'{"a":1}')]
    assert parser.close() == [ServerSentEvent("end", b'{"b":2}')]
    assert parser.close() == []


def test_close_drops_half_an_event() -> None:
    parser = SseParser()
    parser.feed(b'data: {"a":')
    assert parser.close() == []

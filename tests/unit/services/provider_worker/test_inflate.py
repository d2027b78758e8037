"""Undoing content encodings, whatever the parts in which they come."""

import gzip
import zlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provider_worker.inflate import PIECE, Inflater, Undecodable


def _raw(data: bytes) -> bytes:
    deflating = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflating.compress(data) + deflating.flush()


FORMS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress), "zlib": ("deflate", zlib.compress), "raw": ("deflate", _raw),
}


def inflated(encoding: str, parts: list[bytes]) -> list[bytes]:
    inflater = Inflater(encoding)
    pieces = [piece for part in parts for piece in inflater.pieces(part)]
    inflater.end()
    return pieces


@pytest.mark.parametrize("form", FORMS)
@given(data=st.binary(max_size=2000), cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_where_the_data_is_split_changes_nothing(form: str, data: bytes, cuts: list[int]) -> None:
    encoding, encode = FORMS[form]
    encoded = encode(data)
    at = [0, *sorted(cut for cut in cuts if cut < len(encoded)), len(encoded)]
    assert b"".join(inflated(encoding, [encoded[start:end] for start, end in pairwise(at)])) == data


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 10 * PIECE + 7])
def test_pieces_are_small_and_none_is_missing(form: str, size: int) -> None:
    encoding, encode = FORMS[form]
    pieces = inflated(encoding, [encode(bytes(size))])
    assert sum(map(len, pieces)) == size
    assert max(map(len, pieces)) <= PIECE


def test_nothing_is_nothing() -> None:
    assert inflated("gzip", [b"", b""]) == []


@pytest.mark.parametrize("form", FORMS)
@given(cut=st.integers(1, 10_000))
def test_what_is_cut_off_is_noticed(form: str, cut: int) -> None:
    encoding, encode = FORMS[form]
    encoded = encode(bytes(range(256)) * 40)
    with pytest.raises(Undecodable):
        inflated(encoding, [encoded[: cut % len(encoded)] or encoded[:1]])


@given(st.sampled_from(["gzip", "deflate"]), st.lists(st.binary(max_size=200), max_size=5))
def test_garbage_is_refused_or_read(encoding: str, parts: list[bytes]) -> None:
    try:
        inflated(encoding, parts)
    except Undecodable:
        pass


@pytest.mark.parametrize("rest", [b"x", gzip.compress(b"") * 1000])
def test_nothing_may_follow_the_end(rest: bytes) -> None:
    for parts in ([gzip.compress(b"a") + rest], [gzip.compress(b"a"), rest]):
        with pytest.raises(Undecodable):
            inflated("gzip", parts)


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "identity, gzip", ""])
def test_other_encodings_are_not_known(encoding: str) -> None:
    with pytest.raises(Undecodable):
        Inflater(encoding)

"""What the counts of input tokens have in common at the providers that have one."""

from collections.abc import Mapping

import msgspec

from services.provider_worker.dialect import ProviderFailure, Upstream
from services.provider_worker.dialects import provider_errors

Fields = dict[str, msgspec.Raw]
"""A JSON object whose values are as they were written."""

_decode = msgspec.json.Decoder(Fields).decode
_encode = msgspec.json.Encoder().encode
_decode_number = msgspec.json.Decoder(int).decode


def fields(answer: Upstream) -> Fields:
    """The body of a request."""
    return _decode(answer.content)


def counting(answer: Upstream, path: str, body: Mapping[str, object]) -> Upstream:
    """The request to count the tokens of the request `answer`."""
    return Upstream(path=path, content=_encode(body), headers=answer.headers, adapted=answer.adapted)


def read(name: str, body: bytes, field: str) -> int:
    """The number in a field of the answer. Raises ProviderFailure when there is none."""
    try:
        tokens = _decode_number(_decode(body)[field])
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        tokens = -1
    if tokens < 0:
        raise ProviderFailure(f"{name}'s answer holds no count of tokens: {provider_errors.said(body).message or 'unknown shape'}")
    return tokens

"""Messages to MessagePack and back. A message that does not decode is dropped by its receiver, without logging its content."""

from typing import Any, TypeVar

import msgspec

from libs.contracts.message import Message

Decoded = TypeVar("Decoded")

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def encode(message: Message) -> bytes:
    return _encoder.encode(message)


def decoder(kind: type[Decoded] | Any) -> msgspec.msgpack.Decoder[Any]:
    """The decoder of a message type or of a union of them; made once."""
    if kind not in _decoders:
        _decoders[kind] = msgspec.msgpack.Decoder(kind)
    return _decoders[kind]

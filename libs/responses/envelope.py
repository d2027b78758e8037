"""A provider's opaque state inside `encrypted_content`, tagged with its origin so that no other provider is sent it.

Not encrypted: the state is the provider's own, already opaque or signed by it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Struct

PREFIX = "tr1."


class Envelope(Struct, frozen=True, array_like=True):
    """`content` is whatever the origin's dialect put in, byte for byte."""

    origin: str
    """Provider dialect, such as `anthropic`."""
    model: str
    """The provider's model id; some state is only good for the model that wrote it."""
    content: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Envelope)


def wrap(origin: str, model: str, content: bytes) -> str:
    """A string for `encrypted_content`."""
    return PREFIX + urlsafe_b64encode(_encoder.encode(Envelope(origin, model, content))).decode()


def unwrap(text: object) -> Envelope | None:
    """The envelope in `encrypted_content`, or None for anything that is not one of ours."""
    if not isinstance(text, str) or not text.startswith(PREFIX):
        return None
    try:
        return _decoder.decode(urlsafe_b64decode(text[len(PREFIX):]))
    except (ValueError, msgspec.MsgspecError):
        return None

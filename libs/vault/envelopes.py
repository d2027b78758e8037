"""A provider's opaque state inside `encrypted_content`: sealed, and tagged with its origin.

Thinking signatures and the like are only good for the provider (some also for the account and model) that wrote them; sent to
another one they are a 400. Sealing keeps a client, or another workspace, from forging or reading them.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

PREFIX = "tr1."
_NONCE = 12


class Opaque(Struct, frozen=True, array_like=True):
    """`content` is whatever the origin's dialect put in, byte for byte."""

    origin: str
    """Provider id, such as `anthropic`."""
    account: str
    model: str
    """The provider's model id."""
    content: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Opaque)


def envelope_key(vault_key: str) -> bytes:
    """The workers' common key, from their private one; a random key where there is none, good for the life of the process."""
    secret = vault_key.encode() or os.urandom(32)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tokenrouter envelopes 1").derive(secret)


class Envelopes:
    """Seals for, and opens from, one workspace and one account of a provider."""

    def __init__(self, key: bytes, workspace: str, account: str = "default") -> None:
        self._cipher = AESGCM(key)
        self._workspace = workspace.encode()
        self._account = account

    def seal(self, origin: str, model: str, content: bytes) -> str:
        """A string for `encrypted_content`."""
        nonce = os.urandom(_NONCE)
        plain = _encoder.encode(Opaque(origin, self._account, model, content))
        return PREFIX + urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, plain, self._workspace)).decode()

    def open(self, text: object, origin: str, *, model: str | None = None, same_account: bool = False) -> bytes | None:
        """What was sealed, when it came from `origin` (and from `model`, and from this account, where that is asked for);
        None for everything else: foreign state is left out, never sent."""
        opaque = self._opaque(text)
        if opaque is None or opaque.origin != origin or (model is not None and opaque.model != model):
            return None
        return None if same_account and opaque.account != self._account else opaque.content

    def _opaque(self, text: object) -> Opaque | None:
        if not is_envelope(text):
            return None
        try:
            sealed = urlsafe_b64decode(text[len(PREFIX):])  # type: ignore[index]
            return _decoder.decode(self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._workspace))
        except (ValueError, InvalidTag, msgspec.MsgspecError):
            return None


def is_envelope(text: object) -> bool:
    """Whether a string was made by `Envelopes.seal`, here or elsewhere."""
    return isinstance(text, str) and text.startswith(PREFIX)

"""HPKE (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM; the context binds a sealed key to its place.

The private key lives with the provider-workers alone; edges know the public one.
"""

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class CannotOpen(Exception):
    """The sealed bytes are damaged, were sealed to another key, or belong to another place."""


def context(*parts: str) -> bytes:
    """What a sealed key is bound to, such as workspace, provider and request id."""
    return b"tokenrouter.v1|" + b"|".join(base64.urlsafe_b64encode(part.encode()) for part in parts)


def generate() -> str:
    """A new private key, as text for a file or a setting."""
    return base64.urlsafe_b64encode(X25519PrivateKey.generate().private_bytes_raw()).decode()


def public_key(private: str) -> str:
    """The public half of a private key."""
    return base64.urlsafe_b64encode(_private(private).public_key().public_bytes_raw()).decode()


def seal(secret: str, public: str, bound_to: bytes) -> bytes:
    """`secret`, readable only with the private key and the same context."""
    key = X25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(public))
    return _SUITE.encrypt(secret.encode(), key, bound_to)


def unseal(sealed: bytes, private: str, bound_to: bytes) -> str:
    """The secret. Raises CannotOpen."""
    try:
        return _SUITE.decrypt(sealed, _private(private), bound_to).decode()
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("the sealed key cannot be opened here") from error


def _private(text: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(text))

"""Who is calling: API keys, looked up by the hash of their secret."""

import hashlib
from collections.abc import Callable, Mapping

import msgspec

from libs.contracts.errors import Unauthorized
from libs.contracts.policies import ApiKey

_decode = msgspec.json.Decoder(ApiKey).decode


class Keys:
    """Every API key, in memory, kept current from KV."""

    def __init__(self) -> None:
        self._by_hash: dict[str, ApiKey] = {}
        self.on_workspace: list[Callable[[str], None]] = []
        """Called with the workspace of each key that comes in."""

    def apply(self, key: str, value: bytes | None, revision: int) -> None:
        """Take a key from KV."""
        if value is None:
            self._by_hash.pop(key, None)
        else:
            self._by_hash[key] = known = _decode(value)
            for notice in self.on_workspace:
                notice(known.workspace)

    def caller(self, headers: Mapping[str, str]) -> ApiKey:
        """The key that a request carries: in `Authorization`, or as Anthropic's clients send it, in `x-api-key`. Raises Unauthorized."""
        authorization = headers.get("authorization")
        if authorization is None and (secret := headers.get("x-api-key")):
            authorization = f"Bearer {secret}"
        return self.authenticate(authorization)

    def authenticate(self, authorization: str | None) -> ApiKey:
        """The key that an `Authorization` header names. Raises Unauthorized.

        The lookup goes by SHA-256, so its timing tells nothing of the secrets that are stored.
        """
        if not authorization:
            raise Unauthorized("no API key: send it as 'Authorization: Bearer <key>'")
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Unauthorized("the Authorization header must be 'Bearer <key>'")
        found = self._by_hash.get(hashlib.sha256(secret.strip().encode()).hexdigest())
        if found is None or found.revoked:
            raise Unauthorized("this API key is not valid; check it, or have a new one made")
        return found

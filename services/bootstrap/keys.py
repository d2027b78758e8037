"""The first API key: the operator's own, or one that is made and shown once."""

import hashlib
import logging
import secrets

import msgspec
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from libs.bus.buckets import values_of
from libs.contracts import subjects
from libs.contracts.policies import ApiKey

log = logging.getLogger("tokenrouter.bootstrap")

WORKSPACE = "default"


async def ensure(js: JetStreamContext, given: str, now: float) -> str | None:
    """Make `given` a valid key; with none given and none stored, mint one. Returns a minted secret, else None."""
    bucket = await js.key_value(subjects.KEYS_BUCKET)
    if given:
        await _add(bucket, given, "TOKENROUTER_API_KEY", now)
        return None
    if await values_of(js, subjects.KEYS_BUCKET):
        return None
    minted = mint()
    await _add(bucket, minted, "first key", now)
    return minted


def mint() -> str:
    """A new secret with 128 random bits."""
    return f"tr_{secrets.token_hex(16)}"


def digest(secret: str) -> str:
    """What is stored of a secret, and the name it is stored under."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def _add(bucket: KeyValue, secret: str, name: str, now: float) -> None:
    key = ApiKey(id=f"key_{secrets.token_hex(4)}", workspace=WORKSPACE, name=name, created_at=now)
    try:
        await bucket.get(digest(secret))
    except KeyNotFoundError:
        await bucket.put(digest(secret), msgspec.json.encode(key))
        log.info("API key added", extra={"key_id": key.id})

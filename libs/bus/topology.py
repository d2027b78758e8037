"""Streams and buckets, declared once, here. Run by the bootstrap service; safe to run again."""

from typing import Any

from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError

from libs.contracts import subjects

DAY = 86_400.0
MIB = 1 << 20
RETENTION = 30 * DAY
"""Of stored responses and conversations, where the setting says nothing else."""

# discard=new: the default `old` drops acknowledged rows silently when the stream is full.
LEDGER = api.StreamConfig(
    name=subjects.LEDGER_STREAM,
    subjects=[subjects.LEDGER],
    retention=api.RetentionPolicy.LIMITS,
    storage=api.StorageType.FILE,
    discard=api.DiscardPolicy.NEW,
    max_age=7 * DAY,
    max_bytes=4096 * MIB,
    duplicate_window=600.0,
    allow_direct=True,
)
DEAD = api.StreamConfig(
    name=subjects.DEAD_STREAM,
    subjects=[subjects.DEAD],
    storage=api.StorageType.FILE,
    discard=api.DiscardPolicy.NEW,
    max_bytes=256 * MIB,
)
# Bounded by time and by size: the oldest answers go first.
STATE = api.StreamConfig(
    name=subjects.STATE_STREAM,
    subjects=[subjects.STATE],
    storage=api.StorageType.FILE,
    discard=api.DiscardPolicy.OLD,
    max_msgs_per_subject=1,
    max_age=RETENTION,
    max_bytes=3072 * MIB,
    allow_direct=True,
    allow_msg_ttl=True,
)
IDEMPOTENCY = api.StreamConfig(
    name=subjects.IDEMPOTENCY_STREAM,
    subjects=[subjects.IDEMPOTENCY],
    storage=api.StorageType.FILE,
    discard=api.DiscardPolicy.NEW,
    max_msgs_per_subject=1,
    max_age=DAY,
    max_bytes=256 * MIB,
    allow_direct=True,
)
BACKGROUND = api.StreamConfig(
    name=subjects.BACKGROUND_STREAM,
    subjects=[subjects.BACKGROUND],
    storage=api.StorageType.FILE,
    discard=api.DiscardPolicy.OLD,
    max_age=RETENTION,
    max_bytes=1024 * MIB,
    allow_direct=True,
)
BUCKETS = (
    api.KeyValueConfig(bucket=subjects.POLICIES_BUCKET, history=8, max_value_size=MIB, storage=api.StorageType.FILE),
    api.KeyValueConfig(bucket=subjects.KEYS_BUCKET, history=2, storage=api.StorageType.FILE),
    api.KeyValueConfig(bucket=subjects.VAULT_BUCKET, history=2, storage=api.StorageType.FILE),
    api.KeyValueConfig(bucket=subjects.JOBS_BUCKET, history=1, max_value_size=MIB, max_bytes=256 * MIB, ttl=DAY, storage=api.StorageType.FILE),
    api.KeyValueConfig(bucket=subjects.PRICES_BUCKET, history=8, max_value_size=4 * MIB, storage=api.StorageType.FILE),
)
CLAIMS = api.ObjectStoreConfig(bucket=subjects.CLAIMS_BUCKET, ttl=3600.0, storage=api.StorageType.FILE, max_bytes=2048 * MIB)
STATE_BODIES = api.ObjectStoreConfig(
    bucket=subjects.STATE_BODIES_BUCKET, ttl=RETENTION, storage=api.StorageType.FILE, max_bytes=4096 * MIB
)


async def declare(js: JetStreamContext, replicas: int = 1, retention: float = RETENTION) -> None:
    """Create what is missing and bring what exists to the declared settings. `retention`: of stored responses, in seconds."""
    STATE.max_age = BACKGROUND.max_age = STATE_BODIES.ttl = retention
    for stream in (LEDGER, DEAD, STATE, IDEMPOTENCY, BACKGROUND):
        stream.num_replicas = replicas
        try:
            await js.add_stream(stream)
        except BadRequestError:
            await js.update_stream(stream)
    for bucket in BUCKETS:
        bucket.replicas = replicas
        try:
            await js.create_key_value(bucket)
        except BadRequestError:
            await _update(js, f"KV_{bucket.bucket}", num_replicas=replicas)
    for objects in (CLAIMS, STATE_BODIES):
        objects.replicas, name = replicas, objects.bucket or ""
        try:
            await js.create_object_store(name, config=objects)
        except BadRequestError:
            await _update(js, f"OBJ_{name}", max_age=objects.ttl, max_bytes=objects.max_bytes, num_replicas=replicas)


async def _update(js: JetStreamContext, stream: str, **changes: Any) -> None:
    """Change the stream behind a bucket that is there with other settings; nats-py only makes new ones."""
    info = await js.stream_info(stream)
    await js.update_stream(info.config.evolve(**changes))

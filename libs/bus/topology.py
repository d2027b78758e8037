"""Streams and buckets, declared once, here. Run by the bootstrap service; safe to run again."""

from nats.js import JetStreamContext, api
from nats.js.errors import BadRequestError

from libs.contracts import subjects

DAY = 86_400.0
MIB = 1 << 20

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
BUCKETS = (
    api.KeyValueConfig(bucket=subjects.POLICIES_BUCKET, history=8, max_value_size=MIB, storage=api.StorageType.FILE),
    api.KeyValueConfig(bucket=subjects.KEYS_BUCKET, history=2, storage=api.StorageType.FILE),
    api.KeyValueConfig(bucket=subjects.VAULT_BUCKET, history=2, storage=api.StorageType.FILE),
)
CLAIMS = api.ObjectStoreConfig(bucket=subjects.CLAIMS_BUCKET, ttl=3600.0, storage=api.StorageType.FILE, max_bytes=2048 * MIB)


async def declare(js: JetStreamContext, replicas: int = 1) -> None:
    """Create what is missing and bring what exists to the declared settings."""
    for stream in (LEDGER, DEAD):
        stream.num_replicas = replicas
        try:
            await js.add_stream(stream)
        except BadRequestError:
            await js.update_stream(stream)
    for bucket in BUCKETS:
        bucket.replicas = replicas
        await js.create_key_value(bucket)
    CLAIMS.replicas = replicas
    await js.create_object_store(subjects.CLAIMS_BUCKET, config=CLAIMS)

"""What a KV bucket holds right now.

nats-py's `keys()` and the end-of-initial-values marker of its watchers may come before the values: the server has delivered
them, the client has not looked yet, and both count as "nothing is pending". The stream's own list of subjects has no such gap.
"""

from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue


async def keys_of(js: JetStreamContext, bucket: str, pattern: str = ">") -> list[str]:
    """The keys that match a subject pattern, deleted ones with a tombstone included."""
    prefix = f"$KV.{bucket}."
    info = await js.stream_info(f"KV_{bucket}", subjects_filter=f"{prefix}{pattern}")
    return [subject.removeprefix(prefix) for subject in info.state.subjects or {}]


async def values_of(js: JetStreamContext, bucket: str, pattern: str = ">") -> dict[str, KeyValue.Entry]:
    """The latest entry of each key that is not deleted."""
    store = await js.key_value(bucket)
    found: dict[str, KeyValue.Entry] = {}
    for key in await keys_of(js, bucket, pattern):
        try:
            found[key] = await store.get(key)
        except KeyNotFoundError:
            continue
    return found

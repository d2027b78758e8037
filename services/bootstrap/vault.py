"""The vault's key pair: the private half for provider-workers alone, the public half for every edge."""

import os
from pathlib import Path

from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError

from libs.contracts import subjects
from libs.vault import seal

PUBLIC_KEY = "worker_public_key"


def private_key(home: Path, given: str) -> str:
    """The private key: as given, else from `{home}/vault/worker.key`, made when it is not there.

    Raises SystemExit, naming the place, when the key is not usable.
    """
    path = home / "vault" / "worker.key"
    key = given or _stored(path)
    try:
        seal.public_key(key)
    except ValueError:
        raise SystemExit(f"the vault's private key in {'TOKENROUTER_VAULT_KEY' if given else path} is not usable") from None
    return key


async def publish(js: JetStreamContext, private: str) -> None:
    """Store the public half, unless it is there already."""
    bucket = await js.key_value(subjects.VAULT_BUCKET)
    public = seal.public_key(private).encode()
    try:
        stored = (await bucket.get(PUBLIC_KEY)).value
    except KeyNotFoundError:
        stored = None
    if stored != public:
        await bucket.put(PUBLIC_KEY, public)


def _stored(path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        key = seal.generate()
        file.write(key)
    return key

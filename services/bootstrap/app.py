"""Wires bootstrap: connect as its own NATS user, declare, store what is missing, leave."""

import asyncio
import logging
import time
from pathlib import Path

import nats
from nats.js import JetStreamContext

from libs.bus import topology
from services.bootstrap import keys, vault
from services.bootstrap.connect import connected
from services.bootstrap.settings import BootstrapSettings

log = logging.getLogger("tokenrouter.bootstrap")


async def bootstrap(settings: BootstrapSettings) -> None:
    """Bring the bus to its declared state. Raises SystemExit when NATS cannot be reached or refuses us."""
    connection = await connected(settings, "bootstrap", settings.nats_wait)
    try:
        js = connection.jetstream(timeout=10.0)
        await _declare(js, settings)
        minted = await keys.ensure(js, settings.api_key, time.time())
        await vault.publish(js, vault.private_key(Path(settings.home), settings.vault_key))
    finally:
        await connection.close()
    if minted:
        # Standard output is the one place where this key is ever shown; logs go to standard error.
        print(f"API key (shown this once): {minted}", flush=True)
    log.info("bus is ready")


async def _declare(js: JetStreamContext, settings: BootstrapSettings) -> None:
    """Declare the topology. JetStream of a cluster that is still electing its leader answers late, or not at all."""
    deadline = time.monotonic() + settings.nats_wait
    while True:
        try:
            await topology.declare(js, settings.nats_replicas, settings.response_retention_days * topology.DAY)
            return
        except (TimeoutError, nats.errors.TimeoutError, nats.js.errors.ServiceUnavailableError) as error:
            if time.monotonic() > deadline:
                raise SystemExit("JetStream does not answer; is it enabled on the NATS server?") from error
            await asyncio.sleep(0.5)

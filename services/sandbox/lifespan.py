"""The sandbox starts, says so, and leaves with the process that started it."""

import asyncio
import logging
import os
import signal

from services.sandbox.reply import Receive, Send

log = logging.getLogger("tokenrouter.sandbox")


async def live(receive: Receive, send: Send) -> None:
    """ASGI's lifespan protocol, from startup to shutdown."""
    await receive()
    orphaned = asyncio.create_task(_leave_with(os.getppid()))
    await send({"type": "lifespan.startup.complete"})
    log.info("sandbox providers are ready: no provider is called, answers are canned")
    await receive()
    orphaned.cancel()
    await send({"type": "lifespan.shutdown.complete"})


async def _leave_with(parent: int) -> None:
    """Stop when the process that started this one is gone."""
    while os.getppid() == parent:
        await asyncio.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)

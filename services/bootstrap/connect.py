"""A connection to NATS for a program that does one thing and leaves."""

import asyncio
import logging
import time
from typing import Any

import nats
from nats.aio.client import Client
from nats.errors import NoServersError

from libs.bus.settings import BusSettings

log = logging.getLogger("tokenrouter.bootstrap")


async def connected(settings: BusSettings, user: str, patience: float) -> Client:
    """Connect, waiting up to `patience` seconds for a server. `user`: whose inbox to listen on, where the settings name none.

    Raises SystemExit, naming the settings, when it cannot be reached or refuses us.
    """
    credentials: dict[str, Any] = {"user": settings.nats_user, "password": settings.nats_password} if settings.nats_user else {}
    servers = [url.strip() for url in settings.nats_url.split(",")]
    deadline = time.monotonic() + patience
    while True:
        try:
            # nats-py takes 0 attempts for any number of them, and heeds allow_reconnect only once a server has answered.
            return await nats.connect(
                servers, name=f"{user}/{settings.instance}", inbox_prefix=f"_INBOX_{user}", allow_reconnect=False,
                max_reconnect_attempts=1, reconnect_time_wait=0.1, connect_timeout=2, error_cb=_quiet, **credentials,
            )
        except (NoServersError, OSError, nats.errors.Error) as error:
            if "authorization" in str(error).lower():
                raise SystemExit(f"NATS refuses the {user} user; check NATS_USER and NATS_PASSWORD") from error
            if time.monotonic() > deadline:
                raise SystemExit("NATS cannot be reached; check NATS_URL") from error
            await asyncio.sleep(0.5)


async def _quiet(error: Exception) -> None:
    log.debug("connection error", extra={"error": type(error).__name__})

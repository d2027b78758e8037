"""Run with `python -m services.sandbox`."""

import socket

import uvicorn

from libs.bus import logs
from libs.bus.settings import load
from services.sandbox.app import Sandbox
from services.sandbox.settings import Settings


def main() -> None:
    settings = load(Settings)
    logs.configure("sandbox", settings.instance, settings.log_level)
    sockets = [_listen("127.0.0.1", settings.sandbox_port)]
    if settings.ops_port:
        sockets.append(_listen(settings.ops_host, settings.ops_port))
    config = uvicorn.Config(
        Sandbox(settings.sandbox_speed), loop="uvloop", http="httptools", ws="none", lifespan="on", log_config=None,
        access_log=False, server_header=False, date_header=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


if __name__ == "__main__":
    main()

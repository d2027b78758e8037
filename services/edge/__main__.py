"""Runs an edge."""

import socket

from libs.bus import logs
from libs.bus.process import serve
from libs.bus.service import Bus
from libs.bus.settings import load
from services.edge.app import application
from services.edge.settings import EdgeSettings
from services.edge.sockets import Sockets

DRAIN_SECONDS = 60.0


def listener(host: str, port: int) -> socket.socket:
    """A listening socket that several edges of one machine share; the kernel spreads connections over them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((host, port))
    return bound


if __name__ == "__main__":
    settings = load(EdgeSettings)
    logs.configure("edge", settings.instance, settings.log_level)
    sockets = Sockets(settings.max_body_bytes)
    serve(
        application(Bus("edge", settings), settings, sockets), settings, [listener(settings.host, settings.port)],
        # Room for the escapes of a body that is sent as text.
        websockets_up_to=2 * settings.max_body_bytes, before_shutdown=lambda: sockets.drain(DRAIN_SECONDS),
    )

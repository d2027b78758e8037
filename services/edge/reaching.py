"""What the routes on stored state have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from litestar import Request
from nats.errors import Error as NatsError

from libs.contracts.errors import InvalidRequest
from services.edge.answer import Body
from services.edge.body import ClientGone, parse, read
from services.edge.flights import unavailable

Json = dict[str, Any]


@contextmanager
def reaching_state() -> Iterator[None]:
    """State that JetStream does not give or take is Unavailable."""
    try:
        yield
    except (NatsError, TimeoutError):
        raise unavailable("stored state cannot be reached") from None


async def body_of(request: Request[Any, Any, Any], limit: int) -> Json:
    """The JSON object in a request's body, empty for none. Raises InvalidRequest."""
    try:
        return parse(await read(request.receive, request.headers.get("content-length"), limit))
    except ClientGone:
        raise InvalidRequest("the client left", status=499) from None


def answered(value: Json) -> Body:
    """200 with a JSON object."""
    return Body(200, msgspec.json.encode(value))

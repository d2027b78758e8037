"""A request as it reached the edge."""

import time
from collections.abc import Mapping

from litestar.types import Scope

from libs.contracts.errors import HeadersTooLarge
from libs.contracts.policies import ApiKey
from libs.contracts.requests import Admitted, Trial
from services.edge import ids

MAX_HEADER_BYTES = 64 * 1024


class Arrival:
    """Ids, time and headers of one request; who sent it and what became of it are filled in on the way."""

    __slots__ = ("headers", "key", "message", "received_at", "request_id", "span", "trial")

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self.received_at = time.time()
        self.request_id, self.span = ids.fresh()
        self.key: ApiKey | None = None
        self.message: Admitted | None = None
        self.trial: Trial | None = None


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers, names in lower case."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def check_size(scope: Scope) -> None:
    """Raises HeadersTooLarge."""
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        raise HeadersTooLarge(f"the headers are larger than {MAX_HEADER_BYTES} bytes")

"""GET /v1/logs: what the ledger holds of a workspace's requests, asked of the recorder."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import Struct
from nats.aio.client import Client
from nats.errors import Error as NatsError

from libs.bus.query import NoRecorder, QueryFailed, ask
from libs.contracts.errors import NotFound, Unavailable
from libs.contracts.queries import SqlQuery
from libs.contracts.state import request_id_of
from services.edge import logs_query
from services.edge.answer import Body
from services.edge.logs_query import Logged, LoggedAttempt, LoggedWhole

if TYPE_CHECKING:
    from services.edge.handlers import Edge

log = logging.getLogger("tokenrouter.logs")
AnyRequest = Request[Any, Any, Any]
Row = TypeVar("Row", bound=Struct)

SILENCE = 15.0
"""Seconds without a word from the recorder after which a question is given up."""
LAG = 2.0
"""Seconds within which a row that was written can be read, at the recorder's default interval."""
LOOK_AGAIN = 0.1
RETRY_AFTER = 2


class _Began(Struct, frozen=True):
    micros: int
    """Unix time at which the request came, in millionths of a second."""


async def listed(connection: Client, workspace: str, wanted: logs_query.Page) -> dict[str, Any]:
    """A page of entries, newest first. Raises Unavailable."""
    rows = await _rows(connection, logs_query.list_query(workspace, wanted), Logged)
    shown, has_more = rows[: wanted.limit], len(rows) > wanted.limit
    return {
        "object": "list",
        "data": [logs_query.entry(row) for row in shown],
        "has_more": has_more,
        "next_cursor": logs_query.cursor(shown[-1]) if has_more else None,
    }


async def found(connection: Client, workspace: str, some_id: str) -> dict[str, Any]:
    """All that is known of one request, by its id or its response's. Raises NotFound or Unavailable."""
    request_id = request_id_of(some_id)
    rows = await _rows(connection, logs_query.whole_query(workspace, request_id), LoggedWhole) if request_id else []
    if not rows:
        raise NotFound(f"there is no request {some_id} in the logs; one that has just ended is there a moment later")
    return logs_query.whole_entry(rows[0], await _rows(connection, logs_query.attempts_query(workspace, rows[0]), LoggedAttempt))


async def known(connection: Client, workspace: str, request_id: str) -> bool:
    """Whether the workspace has had that request; waits a little, since the ledger is a little behind. Takes response ids too.
    Raises Unavailable."""
    return await began(connection, workspace, request_id) is not None


async def began(connection: Client, workspace: str, request_id: str) -> float | None:
    """When the request came, in Unix seconds as the ledger's keys have them; None when the workspace has had none with that id, or with
    that response id. Waits a little like `known`. Raises Unavailable."""
    canonical = request_id_of(request_id)
    if canonical is None:
        return None
    query, patient_until = logs_query.began_query(workspace, canonical), time.monotonic() + LAG
    while not (rows := await _rows(connection, query, _Began)):
        if time.monotonic() >= patient_until:
            return None
        await asyncio.sleep(LOOK_AGAIN)
    return rows[0].micros / 1e6


def routes(edge: "Edge", paths: list[str]) -> list[Any]:
    """GET on the list and on one entry."""

    def workspace_of(request: AnyRequest) -> str:
        return edge.keys.caller(request.headers).workspace

    @get(paths, summary="List the requests of the workspace, newest first")
    async def listing(request: AnyRequest) -> ASGIApp:
        workspace = workspace_of(request)
        return _json(await listed(edge.bus.connection, workspace, logs_query.page(request.query_params)))

    @get([f"{path}/{{request_id:str}}" for path in paths], summary="Read what is on record of a request")
    async def shown(request: AnyRequest, request_id: FromPath[str]) -> ASGIApp:
        return _json(await found(edge.bus.connection, workspace_of(request), request_id))

    return [listing, shown]


async def _rows(connection: Client, query: SqlQuery, kind: type[Row]) -> list[Row]:
    if not connection.is_connected:
        raise _unavailable("the message bus is not reachable")
    try:
        answer = b"".join([piece async for piece in ask(connection, query, SILENCE)])
    except NoRecorder:
        raise _unavailable("the recorder is not running, so there is nobody to read the logs") from None
    except (QueryFailed, NatsError) as error:
        log.warning("the ledger did not answer", extra={"error": str(error)[:500]})
        raise _unavailable("the logs cannot be read at the moment") from None
    # Some versions of ClickHouse write 64-bit integers as strings.
    return msgspec.json.Decoder(kind, strict=False).decode_lines(answer)


def _unavailable(message: str) -> Unavailable:
    return Unavailable(f"{message}; try again", retry_after=RETRY_AFTER)


def _json(value: dict[str, Any]) -> Body:
    return Body(200, msgspec.json.encode(value))

"""What can be done with a response once it is stored: read, streamed again, replayed, cancelled, deleted."""

from typing import TYPE_CHECKING, Any

from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from libs.contracts.errors import Conflict, InvalidRequest, NotFound
from libs.contracts.state import StoredResponse, request_id_of
from libs.state.responses import input_items, output_items
from services.edge import logs
from services.edge.formats.format import Format, Plain
from services.edge.formats.openai import ResponsesFormat
from services.edge.formats.tokenrouter import TokenRouterFormat
from services.edge.paging import page, paged
from services.edge.reaching import answered, body_of, reaching_state
from services.edge.recorded import Followed, Recorded

if TYPE_CHECKING:
    from services.edge.handlers import Edge

AnyRequest = Request[Any, Any, Any]
Json = dict[str, Any]
MAX_REPLAY_BYTES = 64 * 1024
MAX_DIGITS = 9
"""Of an event's number."""


class Stored:
    """The stored responses of all workspaces, as their routes need them."""

    def __init__(self, edge: "Edge") -> None:
        self._edge = edge

    async def shown(self, request: AnyRequest, response_id: str) -> ASGIApp:
        """The response as it is now, or its events from some number on."""
        workspace = self._edge.caller(request).workspace
        stream, after = _truth(request, "stream"), _number(request, "starting_after")
        stored = await self._found(workspace, response_id)
        form = ResponsesFormat(first=after + 1)
        # The log of a background response is what its readers have numbered so far.
        if stream and (stored.background or not stored.over):
            return Followed(stored, form, self._edge.background.events(workspace, stored), request_id=stored.request_id, after=after)
        return Recorded(stored, form, stream=stream, request_id=stored.request_id, after=after)

    async def replayed(self, request: AnyRequest, some_id: str) -> ASGIApp:
        """The answer once more, as it would have come from the route that it was asked of."""
        workspace = self._edge.caller(request).workspace
        stream = (await body_of(request, MAX_REPLAY_BYTES)).get("stream") or False
        if not isinstance(stream, bool):
            raise InvalidRequest("stream must be true or false", param="stream")
        stored = await self._edge.history.stored(workspace, some_id)
        if stored is None:
            raise await self._not_stored(workspace, some_id)
        if not stored.over:
            raise Conflict(f"Response '{some_id}' is not over yet; nothing can be replayed before its end.", code="response_not_completed")
        form = self._format(request, stored.endpoint)
        return Recorded(stored, form, stream=stream and stored.endpoint == "responses", request_id=stored.request_id)

    async def cancelled(self, request: AnyRequest, response_id: str) -> ASGIApp:
        """End a background response; one that is over stays as it is."""
        workspace = self._edge.caller(request).workspace
        stored = await self._found(workspace, response_id)
        if not stored.background:
            raise InvalidRequest("Cannot cancel a synchronous response.", param="response_id")
        if not stored.over:
            stored = await self._edge.background.cancel(workspace, stored)
        return Recorded(stored, ResponsesFormat(), stream=False, request_id=stored.request_id)

    async def deleted(self, request: AnyRequest, response_id: str) -> ASGIApp:
        """Remove everything that is kept of a response."""
        workspace = self._edge.caller(request).workspace
        stored = await self._found(workspace, response_id)
        if not stored.over:
            await self._edge.background.cancel(workspace, stored)
        if not await self._edge.bus.responses.delete(workspace, stored.response_id):
            raise not_found(response_id)
        if stored.background:
            await self._edge.background.forget(workspace, stored.request_id)
        return answered({"id": stored.response_id, "object": "response", "deleted": True})

    async def inputs(self, request: AnyRequest, response_id: str) -> ASGIApp:
        """A page of all that the model was given: this turn's input and what came before it."""
        workspace = self._edge.caller(request).workspace
        wanted = page(request.query_params)
        stored = await self._found(workspace, response_id)
        # Earlier turns may have been deleted or have expired; what is left is this turn's.
        chain = await self._edge.bus.responses.chain(workspace, stored) or [stored]
        earlier = [item for turn in chain[:-1] for item in (*input_items(turn), *output_items(turn))]
        return answered(paged([*await self._edge.history.before(workspace, chain[0]), *earlier, *input_items(stored)], wanted))

    async def _found(self, workspace: str, response_id: str) -> StoredResponse:
        stored = await self._edge.history.stored(workspace, response_id)
        if stored is None:
            raise not_found(response_id)
        return stored

    async def _not_stored(self, workspace: str, some_id: str) -> NotFound | Conflict:
        request_id = request_id_of(some_id)
        if request_id is not None and await logs.known(self._edge.bus.connection, workspace, request_id):
            what = f"Nothing is stored of '{some_id}': it was not to be stored, failed, was deleted, or has expired."
            return Conflict(what, code="nothing_to_replay", should_retry=False)
        return not_found(some_id)

    def _format(self, request: AnyRequest, endpoint: str) -> Format:
        asked = request.headers.get("x-tokenrouter-stream-format") or self._edge.settings.stream_format
        if asked not in ("openai", "tokenrouter"):
            raise InvalidRequest(f"unknown stream format '{asked}': use openai or tokenrouter", param="X-TokenRouter-Stream-Format")
        if endpoint != "responses":
            return Plain()
        return ResponsesFormat() if asked == "openai" else TokenRouterFormat()


def routes(edge: "Edge", paths: list[str]) -> list[Any]:
    """The routes on one response, under each of `paths`."""
    stored = Stored(edge)
    one = [f"{path}/{{response_id:str}}" for path in paths]

    @get(one, summary="Read a stored response, or stream it from an event on")
    async def shown(request: AnyRequest, response_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await stored.shown(request, response_id)

    @post(one, summary="Replay a stored response", status_code=200)
    async def replayed(request: AnyRequest, response_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await stored.replayed(request, response_id)

    @delete(one, summary="Delete a stored response", status_code=200)
    async def deleted(request: AnyRequest, response_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await stored.deleted(request, response_id)

    @post([f"{path}/cancel" for path in one], summary="Cancel a background response", status_code=200)
    async def cancelled(request: AnyRequest, response_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await stored.cancelled(request, response_id)

    @get([f"{path}/input_items" for path in one], summary="List the input items of a response")
    async def inputs(request: AnyRequest, response_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await stored.inputs(request, response_id)

    return [shown, replayed, deleted, cancelled, inputs]


def not_found(response_id: str) -> NotFound:
    """The same for an id that is unknown, deleted, expired, not stored, or another workspace's."""
    return NotFound(f"Response with id '{response_id}' not found.", code="response_not_found", param="response_id")


def _truth(request: AnyRequest, name: str) -> bool:
    given = request.query_params.get(name) or "false"
    if given.lower() not in ("true", "false", "1", "0"):
        raise InvalidRequest(f"{name} must be true or false", param=name)
    return given.lower() in ("true", "1")


def _number(request: AnyRequest, name: str) -> int:
    """A sequence number; -1 where none is given."""
    given = request.query_params.get(name)
    if not given:
        return -1
    if not (given.isascii() and given.isdigit() and len(given) <= MAX_DIGITS):
        raise InvalidRequest(f"{name} must be a number from 0 on", param=name)
    return int(given)


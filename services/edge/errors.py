"""Whatever goes wrong on a route, in the documented shape."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from libs.contracts.errors import ErrorInfo, InternalError, InvalidRequest, MethodNotAllowed, NotFound, RouterError
from services.edge import ids

log = logging.getLogger("tokenrouter.edge")


def _answer(error: ErrorInfo, extra: dict[str, str] | None = None) -> Response[bytes]:
    request_id = ids.request_id()
    return Response(
        content=msgspec.json.encode(error.body(request_id)),
        status_code=error.status,
        media_type="application/json",
        headers={**error.headers(request_id), **(extra or {})},
    )


def _not_found(request: Request[Any, Any, Any], _: NotFoundException) -> Response[bytes]:
    return _answer(NotFound(f"there is no {request.method} {request.url.path}").info)


def _method_not_allowed(request: Request[Any, Any, Any], error: MethodNotAllowedException) -> Response[bytes]:
    allow = (error.headers or {}).get("Allow", "")
    return _answer(MethodNotAllowed(f"{request.method} is not allowed on {request.url.path}").info, {"allow": allow} if allow else {})


def _http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    return _answer(InvalidRequest(error.detail or "bad request", status=error.status_code).info)


def _router(_: Request[Any, Any, Any], error: RouterError) -> Response[bytes]:
    return _answer(error.info)


def _unexpected(request: Request[Any, Any, Any], _: Exception) -> Response[bytes]:
    log.exception("unhandled", extra={"path": request.url.path})
    return _answer(InternalError("the router failed; the log has the request id").info)


EXCEPTION_HANDLERS: dict[int | type[Exception], Callable[..., Response[bytes]]] = {
    NotFoundException: _not_found,
    MethodNotAllowedException: _method_not_allowed,
    HTTPException: _http,
    RouterError: _router,
    Exception: _unexpected,
}

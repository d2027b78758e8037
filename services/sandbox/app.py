"""The sandbox providers as one ASGI application: one request from body to reply, and its errors."""

import logging
from typing import Any

import msgspec
from msgspec import Struct

from services.sandbox import models, routes, triggers, write
from services.sandbox.asked import Answer, Asked, Problem
from services.sandbox.dialect import Head
from services.sandbox.lifespan import live
from services.sandbox.metering import Metering
from services.sandbox.reply import BROKEN, TOKENS_BEFORE_BREAK, ClientLeft, Receive, Reply, Send
from services.sandbox.routes import Route
from services.sandbox.triggers import Triggers

log = logging.getLogger("tokenrouter.sandbox")


class Counts(Struct):
    """What became of the requests of one provider; `GET /stats` shows it."""

    begun: int = 0
    finished: int = 0
    left: int = 0
    """The client closed the connection before the answer was done."""


class Sandbox:
    """The application. `speed` divides every delay."""

    def __init__(self, speed: float) -> None:
        self._slowness = 1.0 / speed
        self._metering = Metering()
        self._counts = {provider: Counts() for provider in routes.PROVIDERS}

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["method"] == "POST" and (found := routes.answering(scope["path"])):
            route, named = found
            await self._answer(route, routes.head(named, scope["query_string"], scope["headers"]), receive, send)
        else:
            await self._look_up(scope["method"], scope["path"], send)

    async def _look_up(self, method: str, path: str, send: Send) -> None:
        if path in ("/healthz", "/readyz"):
            return await _json(send, 200, {"status": "ok", "ready": True, "service": "sandbox"})
        if path == "/stats":
            return await _json(send, 200, msgspec.to_builtins(self._counts))
        if method == "GET" and (found := routes.listing(path)):
            return await _json(send, 200, found.dialect.listing())
        problem = Problem(404, f"Invalid URL ({method} {path})")
        return await _json(send, 404, routes.nearest(path).dialect.error(problem))

    async def _answer(self, route: Route, head: Head, receive: Receive, send: Send) -> None:
        counts, dialect = self._counts[route.provider], route.dialect
        counts.begun += 1
        body = await _body(receive)
        reply: Reply | None = None
        try:
            request = _decoded(body)
            asked = _understood(route, request, head)
            wanted = triggers.find(asked.text)
            pace = models.pace(asked.model).scaled(self._slowness * (10 if "slow" in wanted else 1))
            reply = Reply(receive, send, dialect.headers(200), pace)
            _raise_wanted(wanted)
            await self._write(route, head, reply, request, asked, wanted)
            counts.finished += 1
        except Problem as problem:
            told = dialect.framing(head).error(dialect.error(problem))
            await _json(send, problem.status, told, dialect.headers(problem.status))
        except ClientLeft:
            counts.left += 1
            log.info("client left", extra={"provider": route.provider})
        finally:
            if reply is not None:
                reply.close()

    async def _write(
        self, route: Route, head: Head, reply: Reply, request: dict[str, Any], asked: Asked, wanted: Triggers
    ) -> None:
        dialect = route.dialect
        answer: Answer = write.answer(asked, wanted)
        usage = self._metering.measure(asked, answer)
        ending = next((word for word in BROKEN if word in wanted), None)
        if asked.stream:
            fails_after = TOKENS_BEFORE_BREAK if ending == "fail" else None
            events = dialect.events(request, asked, answer, usage, fails_after)
            return await reply.stream(events, dialect.framing(head), ending)
        await reply.pass_time(reply.pace.first + usage.written * reply.pace.token)
        if ending == "fail":
            raise Problem(500, "The model failed to go on. [sandbox]")
        if ending == "stall":
            await reply.stall()
        whole = dialect.whole(request, asked, answer, usage)
        return await reply.json(200, whole, dialect.framing(head), cut=ending in ("cut", "eof"))


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(request, dict):
        raise Problem(400, "The body of the request must be a JSON object.")
    return request


def _understood(route: Route, request: dict[str, Any], head: Head) -> Asked:
    try:
        return route.dialect.read(request, head)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Readers look for what each provider checks beyond JSON types; a text in place of an object ends here.
        raise Problem(400, "A field of the request is not of the type that it must be.") from None


def _raise_wanted(wanted: Triggers) -> None:
    if wanted.status is not None and 400 <= wanted.status < 600:
        raise Problem(wanted.status, f"The prompt asked for status {wanted.status}. [sandbox]")


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _json(send: Send, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
    content = msgspec.json.encode(body)
    named = {"content-type": "application/json", "content-length": str(len(content))} | (headers or {})
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})

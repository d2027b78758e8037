"""The sandbox providers as one ASGI application: routes, errors, and one request from body to reply."""

import asyncio
import logging
import os
import signal
from types import ModuleType
from typing import Any

import msgspec
from msgspec import Struct

from services.sandbox import anthropic_read, anthropic_write, ids, models, openai_read, openai_write, triggers, write
from services.sandbox.asked import Answer, Asked, Problem
from services.sandbox.metering import Metering
from services.sandbox.reply import BROKEN, TOKENS_BEFORE_BREAK, ClientLeft, Receive, Reply, Send
from services.sandbox.triggers import Triggers

log = logging.getLogger("tokenrouter.sandbox")


class Counts(Struct):
    """What became of the requests of one provider; `GET /stats` shows it."""

    begun: int = 0
    finished: int = 0
    left: int = 0
    """The client closed the connection before the answer was done."""


class Dialect(Struct, frozen=True):
    """One provider's words: a module that reads requests, one that writes answers, and where it is served."""

    name: str
    path: str
    listing: str
    read: ModuleType
    write: ModuleType


OPENAI = Dialect("openai", "/openai/v1/responses", "/openai/v1/models", openai_read, openai_write)
ANTHROPIC = Dialect("anthropic", "/anthropic/v1/messages", "/anthropic/v1/models", anthropic_read, anthropic_write)
_BY_PATH = {dialect.path: dialect for dialect in (OPENAI, ANTHROPIC)}
_BY_LISTING = {dialect.listing: dialect for dialect in (OPENAI, ANTHROPIC)}


class Sandbox:
    """The application. `speed` divides every delay."""

    def __init__(self, speed: float) -> None:
        self._slowness = 1.0 / speed
        self._metering = Metering()
        self._counts = {dialect.name: Counts() for dialect in (OPENAI, ANTHROPIC)}

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif (dialect := _BY_PATH.get(scope["path"])) and scope["method"] == "POST":
            await self._answer(dialect, scope, receive, send)
        else:
            await self._look_up(scope["method"], scope["path"], send)

    async def _look_up(self, method: str, path: str, send: Send) -> None:
        if path in ("/healthz", "/readyz"):
            return await _json(send, 200, {"status": "ok", "ready": True, "service": "sandbox"})
        if path == "/stats":
            return await _json(send, 200, msgspec.to_builtins(self._counts))
        if method == "GET" and path in _BY_LISTING:
            return await _json(send, 200, _BY_LISTING[path].write.listing())
        dialect = ANTHROPIC if path.startswith("/anthropic") else OPENAI
        return await _json(send, 404, dialect.write.error(Problem(404, f"Invalid URL ({method} {path})")))

    async def _answer(self, dialect: Dialect, scope: Any, receive: Receive, send: Send) -> None:
        counts = self._counts[dialect.name]
        counts.begun += 1
        body = await _body(receive)
        reply: Reply | None = None
        try:
            request = _decoded(dialect, scope, body)
            asked = dialect.read.read(request)
            wanted = triggers.find(asked.text)
            pace = models.pace(asked.model).scaled(self._slowness * (10 if "slow" in wanted else 1))
            reply = Reply(receive, send, _headers(dialect), pace)
            _raise_wanted(wanted)
            await self._write(dialect, reply, request, asked, wanted, pace.first)
            counts.finished += 1
        except Problem as problem:
            headers = _headers(dialect) | ({"retry-after": "1"} if problem.status in (429, 503, 529) else {})
            await _json(send, problem.status, dialect.write.error(problem), headers)
        except ClientLeft:
            counts.left += 1
            log.info("client left", extra={"provider": dialect.name})
        finally:
            if reply is not None:
                reply.close()

    async def _write(
        self, dialect: Dialect, reply: Reply, request: dict[str, Any], asked: Asked, wanted: Triggers, first: float
    ) -> None:
        answer: Answer = write.answer(asked, wanted)
        usage = self._metering.measure(asked, answer)
        ending = next((word for word in BROKEN if word in wanted), None)
        if asked.stream:
            fails_after = TOKENS_BEFORE_BREAK if ending == "fail" else None
            await reply.stream(dialect.write.events(request, asked, answer, usage, fails_after), ending)
            return
        await reply.pass_time(first + usage.written * reply.pace.token)
        if ending == "fail":
            raise Problem(500, "The model failed to go on. [sandbox]")
        if ending == "stall":
            await reply.stall()
        await reply.json(200, dialect.write.whole(request, asked, answer, usage), cut=ending in ("cut", "eof"))


def _decoded(dialect: Dialect, scope: Any, body: bytes) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(request, dict):
        raise Problem(400, "The body of the request must be a JSON object.")
    if dialect is ANTHROPIC and not any(name == b"anthropic-version" for name, _ in scope["headers"]):
        raise Problem(400, "anthropic-version: header is required")
    return request


def _raise_wanted(wanted: Triggers) -> None:
    if wanted.status is not None and 400 <= wanted.status < 600:
        raise Problem(wanted.status, f"The prompt asked for status {wanted.status}. [sandbox]")


def _headers(dialect: Dialect) -> dict[str, str]:
    if dialect is ANTHROPIC:
        return {"request-id": ids.letters("req_01")}
    return {"x-request-id": ids.letters("req_"), "openai-version": "2020-10-01"}


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _json(send: Send, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    content = msgspec.json.encode(body)
    named = {"content-type": "application/json", "content-length": str(len(content))} | (headers or {})
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


async def _live(receive: Receive, send: Send) -> None:
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

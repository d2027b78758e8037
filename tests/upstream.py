"""A scripted provider on loopback, for what a well-behaved one never does: errors, cuts, stalls. Speaks both dialects.

What it does is decided by the test, call by call; without a script it answers with the sandbox's kind of text.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Call:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float = field(default_factory=time.time)
    closed_at: float | None = None
    """When the caller closed the connection before the answer was whole."""


@dataclass
class Behaviour:
    """How to answer a call."""

    status: int = 200
    error: Any = None
    """JSON body of an error status."""
    headers: dict[str, str] = field(default_factory=dict)
    text: str = "Hello from upstream."
    chunks: int = 5
    gap: float = 0.0
    """Seconds between two chunks."""
    delay: float = 0.0
    """Seconds before the first byte."""
    cut_after: int | None = None
    """Close the connection after so many deltas of a stream; 0: right after the head."""
    stall_after: int | None = None
    """Say nothing more after so many deltas."""
    raw: bytes | None = None
    """Send exactly this after the head."""
    patch: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Changes the whole response of a plain answer."""


class Upstream:
    """`url` serves OpenAI's API below `/v1`, Anthropic's without it. Runs in a thread of its own."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.script: Callable[[Call], Behaviour] = lambda call: Behaviour()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def reset(self) -> None:
        self.calls.clear()
        self.script = lambda call: Behaviour()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)

        async def start() -> asyncio.Server:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self._port: int = server.sockets[0].getsockname()[1]
            return server

        server = self._loop.run_until_complete(start())
        self._started.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request, *lines = head.split("\r\n")
            headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            call = Call(request.split(" ")[1], headers, json.loads(body or b"{}"))
            self.calls.append(call)
            answering = asyncio.ensure_future(self._answer(call, self.script(call), writer))
            leaving = asyncio.ensure_future(reader.read(1))
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                call.closed_at = time.time()
            answering.cancel()
            leaving.cancel()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, call: Call, behaviour: Behaviour, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(behaviour.delay)
        streamed = bool(call.body.get("stream")) and behaviour.status < 400
        kind = "text/event-stream" if streamed else "application/json"
        extra = "".join(f"{name}: {value}\r\n" for name, value in behaviour.headers.items())
        writer.write(f"HTTP/1.1 {behaviour.status} X\r\ncontent-type: {kind}\r\nconnection: close\r\n{extra}\r\n".encode())
        if behaviour.raw is not None:
            writer.write(behaviour.raw)
        elif behaviour.status >= 400:
            writer.write(json.dumps(behaviour.error or {"error": {"message": "scripted failure", "type": "x"}}).encode())
        elif streamed:
            await self._stream(call, behaviour, writer)
        else:
            response = response_of(call, behaviour)
            writer.write(json.dumps(behaviour.patch(response) if behaviour.patch else response).encode())
        await writer.drain()

    async def _stream(self, call: Call, behaviour: Behaviour, writer: asyncio.StreamWriter) -> None:
        opening, deltas, closing = stream_of(call, behaviour)
        writer.write(_sse(opening))
        for number, delta in enumerate(deltas):
            if behaviour.cut_after == number:
                await writer.drain()
                return
            if behaviour.stall_after == number:
                await writer.drain()
                await asyncio.sleep(3600)
            writer.write(_sse([delta]))
            await writer.drain()
            await asyncio.sleep(behaviour.gap)
        writer.write(_sse(closing))


def _sse(events: list[dict[str, Any]]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def _pieces(text: str, count: int) -> list[str]:
    size = max(1, -(-len(text) // count))
    return [text[at : at + size] for at in range(0, len(text), size)]


def response_of(call: Call, behaviour: Behaviour) -> dict[str, Any]:
    """A plain answer in the dialect of the path."""
    if call.path.startswith("/v1/messages"):
        return {
            "id": "msg_up", "type": "message", "role": "assistant", "model": call.body["model"], "stop_reason": "end_turn",
            "stop_sequence": None, "content": [{"type": "text", "text": behaviour.text}], "usage": {"input_tokens": 11, "output_tokens": 7},
        }
    return {
        "id": "resp_up", "object": "response", "created_at": 1, "status": "completed", "model": call.body["model"], "error": None,
        "incomplete_details": None, "metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "instructions": None, "temperature": 1.0, "top_p": 1.0,
        "output": [{
            "id": "msg_up", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": behaviour.text, "annotations": [], "logprobs": []}],
        }],
        "usage": {
            "input_tokens": 11, "input_tokens_details": {"cached_tokens": 3}, "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 18,
        },
    }


Events = list[dict[str, Any]]


def stream_of(call: Call, behaviour: Behaviour) -> tuple[Events, Events, Events]:
    """Opening, delta and closing events in the dialect of the path."""
    whole = response_of(call, behaviour)
    pieces = _pieces(behaviour.text, behaviour.chunks)
    if call.path.startswith("/v1/messages"):
        opening: Events = [
            {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": 11, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ]
        deltas: Events = [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}} for piece in pieces]
        closing: Events = [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 7}},
            {"type": "message_stop"},
        ]
        return opening, deltas, closing
    item = whole["output"][0]
    part = item["content"][0]
    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    at = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    opening = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
    ]
    deltas = [{"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in pieces]
    closing = [
        {"type": "response.output_text.done", **at, "text": behaviour.text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    for number, event in enumerate([*opening, *deltas, *closing]):
        event["sequence_number"] = number
    return opening, deltas, closing

"""The scripted provider's server."""

import asyncio
import json
import threading
import time
from collections.abc import Callable

from tests.upstream.behaviour import Behaviour, Call
from tests.upstream.reply import Cut, Reply


class Upstream:
    """Answers below `url` in the dialect of the path, whatever prefix stands before it. One may thus stand for several providers, and
    scripts tell them apart by `call.path`. Runs in a thread of its own."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.connections = 0
        """Accepted since the last reset."""
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
        self.connections = 0
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
        self.connections += 1
        ahead: bytes | None = b""
        try:
            while ahead is not None:
                ahead = await self._serve_call(ahead, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, Cut, asyncio.CancelledError):
            # Cancelled only when the server closes.
            pass
        finally:
            writer.close()

    async def _serve_call(self, ahead: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        """Answer one call. Returns what has been read of the next one; None when there is none on this connection."""
        call = await _read(ahead, reader)
        self.calls.append(call)
        behaviour = self.script(call)
        answering = asyncio.ensure_future(Reply(call, behaviour, writer).write())
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done() and leaving.result():
                # The next call is there before this one is answered.
                await asyncio.wait({answering})
            if not answering.done():
                raise ConnectionResetError
            answering.result()
        except ConnectionError:
            call.closed_at = time.time()
            raise
        finally:
            answering.cancel()
            leaving.cancel()
            await asyncio.wait({answering, leaving})
        return (b"" if leaving.cancelled() else leaving.result()) if behaviour.keep_alive else None


async def _read(ahead: bytes, reader: asyncio.StreamReader) -> Call:
    head = (ahead + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request, *lines = head.split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(request.split(" ")[1], headers, json.loads(body or b"{}"))

"""Answers a SQL question: runs it in a thread and sends the result in pieces that fit the bus."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor

from libs.bus.codec import encode
from libs.contracts.queries import SqlAnswer, SqlQuery
from services.recorder.store import BadQuery, Store

Send = Callable[[bytes], Awaitable[None]]


async def answer(store: Store, threads: Executor, query: SqlQuery, send: Send) -> None:
    """Send every piece and then one marked last, which carries the error when there was one."""
    loop = asyncio.get_running_loop()
    # The embedded engine wants a result read by the thread that asked for it, so the thread hands each piece over.
    pieces, error = await loop.run_in_executor(threads, _run, store, query, send, loop)
    await send(encode(SqlAnswer(seq=pieces, last=True, error=error)))


def _run(store: Store, query: SqlQuery, send: Send, loop: asyncio.AbstractEventLoop) -> tuple[int, str]:
    sent = 0
    try:
        for piece in store.select(query):
            # Waiting for each send keeps at most one piece in memory.
            asyncio.run_coroutine_threadsafe(_deliver(send, SqlAnswer(seq=sent, data=piece)), loop).result()
            sent += 1
    except BadQuery as error:
        return sent, str(error)
    return sent, ""


async def _deliver(send: Send, piece: SqlAnswer) -> None:
    await send(encode(piece))

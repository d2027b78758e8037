"""The asking side of `query.sql`: sends a question to the recorder and yields the pieces of its answer."""

from collections.abc import AsyncIterator

from nats.aio.client import Client

from libs.bus.codec import decoder, encode
from libs.contracts import subjects
from libs.contracts.queries import SqlAnswer, SqlQuery

_decode = decoder(SqlAnswer).decode


class QueryFailed(Exception):
    """The recorder or ClickHouse said no, or the answer broke off; the text says why."""


class NoRecorder(QueryFailed):
    """No recorder listens."""


async def ask(connection: Client, query: SqlQuery, timeout: float = 60.0) -> AsyncIterator[bytes]:
    """The result's bytes, piece by piece. `timeout` is the longest silence, in seconds.

    Raises NoRecorder before the first piece, and QueryFailed at any time: what came before is then not the whole result.
    """
    inbox = connection.new_inbox()
    subscription = await connection.subscribe(inbox)
    try:
        await connection.publish(subjects.QUERY_SQL, encode(query), reply=inbox)
        expected = 0
        while True:
            try:
                message = await subscription.next_msg(timeout)
            except TimeoutError:
                raise QueryFailed(f"the recorder was silent for {timeout:g} s") from None
            if message.headers and message.headers.get("Status") == "503":
                raise NoRecorder("no recorder is running")
            answer: SqlAnswer = _decode(message.data)
            if answer.seq != expected:
                raise QueryFailed("a piece of the answer was lost; ask again")
            expected += 1
            if answer.data:
                yield answer.data
            if answer.error:
                raise QueryFailed(answer.error)
            if answer.last:
                return
    finally:
        await subscription.unsubscribe()

"""The recorder's control plane: SQL questions, as FastStream sees them."""

from concurrent.futures import Executor
from functools import partial
from typing import Any

import msgspec
from faststream.nats import NatsBroker, NatsMessage
from msgspec import Struct

from libs.bus.codec import decoder, encode
from libs.contracts import subjects
from libs.contracts.queries import SqlAnswer, SqlQuery
from services.recorder.answer import answer
from services.recorder.store import Store

QUEUE = "recorder"
AT_ONCE = 4

_decode = decoder(SqlQuery).decode


class Asked(Struct, frozen=True):
    """A question and where its answers go; no question where the message could not be read."""

    query: SqlQuery | None
    reply: str


def register(broker: NatsBroker, store: Store, threads: Executor) -> None:
    """Subscribe the questions; `threads` runs the queries."""

    @broker.subscriber(
        subjects.QUERY_SQL, queue=QUEUE, decoder=_asked, max_workers=AT_ONCE, no_reply=True,
        title="QuerySql", description="A SQL question; the answer comes on the reply subject in numbered pieces.",
    )
    async def handle(asked: Any) -> None:
        if not asked.reply:
            return
        send = partial(_publish, broker, asked.reply)
        if asked.query is None:
            await send(encode(SqlAnswer(seq=0, last=True, error="the question is not a sql_query message")))
        else:
            await answer(store, threads, asked.query, send)


async def _asked(message: NatsMessage) -> Asked:
    try:
        return Asked(_decode(message.body), message.reply_to)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Asked(None, message.reply_to)


async def _publish(broker: NatsBroker, subject: str, payload: bytes) -> None:
    await broker.connection.publish(subject, payload)

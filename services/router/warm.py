"""What a router that has just started learns from the ledger: how fast every model answered lately, and how often it failed.

In the background, after the router is ready: until it is done, the catalog's estimates stand in.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from nats.aio.client import Client
from nats.errors import Error as NatsError

from libs.bus.query import QueryFailed, ask
from libs.contracts.queries import SqlQuery
from services.router.signals import Signals, Sums

log = logging.getLogger("tokenrouter.warm")

LOOKBACK = 1800.0
"""Seconds. With the usual half-life, what is older counts less than a sixtieth."""
TRIES_FOR, PAUSE = 60.0, 1.0
"""Seconds: how long a recorder may take to come up, and between two questions."""
MOST_ROWS = 10_000
_TIME = "DateTime64(6, 'UTC')"
# The ledger has the model as the provider names it in its answer: often the snapshot behind the name that was asked for.
_DATED = re.compile(r"[-@]20\d\d-?[01]\d-?[0-3]\d$")

# Failures and successes as services.provider_worker.telemetry counts them. Without a time to the first sign an answer came in one
# piece; without tokens it was none, but embeddings.
_SQL = f"""
SELECT provider, account, model,
    sumIf(w, good AND NOT own_key) AS ok,
    sumIf(w, status = 'failed' AND NOT own_key AND error_code IN ('upstream_unavailable', 'upstream_timeout', 'upstream_error')) AS failed,
    sumIf(w, streamed) AS begun,
    sumIf(w * ttft_ms / 1000, streamed) AS ttft_s,
    sumIf(w, streamed AND good AND output_tokens >= 16) AS ended,
    sumIf(w * output_tokens, streamed AND good AND output_tokens >= 16) AS output_tokens_sum,
    sumIf(w * greatest(0, latency_ms - ttft_ms) / 1000, streamed AND good AND output_tokens >= 16) AS writing_s,
    sumIf(w, NOT streamed AND good AND output_tokens > 0) AS whole,
    sumIf(w * output_tokens, NOT streamed AND good AND output_tokens > 0) AS whole_tokens,
    sumIf(w * latency_ms / 1000, NOT streamed AND good AND output_tokens > 0) AS whole_s
FROM
(
    SELECT provider, account, model, status, error_code, own_key, output_tokens, latency_ms, ifNull(ttft_ms, 0) AS ttft_ms,
        attempts.ttft_ms IS NOT NULL AS streamed, status IN ('completed', 'incomplete') AS good,
        (toUnixTimestamp64Micro({{until:{_TIME}}}) - toUnixTimestamp64Micro(started_at)) / 1000000 - attempts.latency_ms / 1000 AS age,
        exp2(-age / {{half_life:Float64}}) AS w
    FROM attempts
    WHERE created_at >= {{since:{_TIME}}} AND created_at < {{until:{_TIME}}} AND age >= 0
)
GROUP BY provider, account, model
LIMIT {MOST_ROWS}
"""


class Row(Struct, frozen=True, kw_only=True):
    """A model at an account, as the ledger knows it: the fields of services.router.signals.Sums, decayed to the query's `until`."""

    provider: str
    account: str
    model: str
    ok: float
    failed: float
    begun: float
    ttft_s: float
    ended: float
    output_tokens_sum: float
    writing_s: float
    whole: float
    whole_tokens: float
    whole_s: float

    def sums(self, at: float) -> Sums:
        return Sums(
            at=at, ok=self.ok, failed=self.failed, begun=self.begun, ttft_s=self.ttft_s, ended=self.ended,
            output_tokens=self.output_tokens_sum, writing_s=self.writing_s, whole=self.whole, whole_tokens=self.whole_tokens,
            whole_s=self.whole_s,
        )


_decode = msgspec.json.Decoder(Row).decode_lines


def query(until: float, half_life: float) -> SqlQuery:
    """What was seen in the half hour before `until`, Unix seconds: all that this router did not hear itself."""
    params = {"since": _sql_time(until - LOOKBACK), "until": _sql_time(until), "half_life": str(half_life)}
    return SqlQuery(sql=_SQL, params=params, format="JSONEachRow")


def names(model: str) -> list[str]:
    """The names that a model may have been asked for by, when an answer names it so."""
    plain = model.removesuffix("-sandbox")
    return list(dict.fromkeys([plain, _DATED.sub("", plain)]))


class Warming:
    """Asks a recorder once, and again as long as there is none."""

    def __init__(
        self, signals: Signals, started_at: float, clock: Callable[[], float] = time.time, *, tries_for: float = TRIES_FOR,
        pause: float = PAUSE,
    ) -> None:
        """`started_at`: Unix seconds from which on the router hears the workers itself."""
        self._signals, self._started_at, self._clock = signals, started_at, clock
        self._tries_for, self._pause = tries_for, pause
        self.task: asyncio.Task[int] | None = None

    async def listen(self, connection: Client) -> None:
        """Begin, for a bus's listeners; returns at once."""
        self.task = asyncio.create_task(self._run(connection))

    async def _run(self, connection: Client) -> int:
        """How many models at accounts it learned of."""
        tried_until = self._clock() + self._tries_for
        while True:
            try:
                return await self._learn(connection)
            except (QueryFailed, NatsError, OSError) as error:
                why = str(error) or type(error).__name__
            except msgspec.MsgspecError as error:
                # Whoever answers, asking again would not change it.
                log.warning("signals not warmed", extra={"reason": f"the answer cannot be read: {error}"})
                return 0
            if self._clock() >= tried_until:
                log.warning("signals not warmed", extra={"reason": why})
                return 0
            await asyncio.sleep(self._pause)

    async def _learn(self, connection: Client) -> int:
        wanted = query(self._started_at, self._signals.half_life)
        rows = _decode(b"".join([piece async for piece in ask(connection, wanted, timeout=10.0)]))
        now = self._clock()
        for row in rows:
            for name in names(row.model):
                self._signals.adopt(row.provider, row.account, name, row.sums(self._started_at), now)
        log.info("signals warmed", extra={"targets": len(rows)})
        return len(rows)


def _sql_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")

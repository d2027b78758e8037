"""A stage ends a request: its ledger row first, durable, then the refusal to the edge."""

import time

from libs.bus.ledger import NotDurable
from libs.bus.rows import encode_row, refused_row
from libs.bus.service import Bus
from libs.contracts.deltas import Refused
from libs.contracts.errors import ErrorInfo, Unavailable
from libs.contracts.message import Hop
from libs.contracts.requests import Admitted, advance

NOT_RECORDED = Unavailable("the decision could not be recorded; try again", code="storage_unavailable", retry_after=5).info
"""What a client hears whose ledger rows did not become durable in time."""


async def refuse(bus: Bus, message: Admitted, stage: str, reply: str, error: ErrorInfo, taken_at: float) -> None:
    """Record and send a refusal on the delta subject `reply`. A preview is no traffic, and leaves no row."""
    hop = Hop(stage, bus.instance, taken_at, (time.time() - taken_at) * 1000)
    ended = advance(message, type(message), hops=[*message.hops, hop])
    if not message.preview:
        row = refused_row(ended, error, ended_by=f"{stage}/{bus.instance}", status="refused", now=time.time())
        try:
            await bus.commit([encode_row("requests", row)])
        except NotDurable:
            error = NOT_RECORDED
    refused = Refused(request_id=message.request_id, dispatch=message.dispatch, stage=stage, error=error)
    await bus.publish(reply, refused)

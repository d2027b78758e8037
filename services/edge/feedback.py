"""POST /v1/responses/{id}/feedback: what a client thinks of an answer. It becomes a row of the ledger, for people and for what learns from it."""

import os
import re
import time
from typing import TYPE_CHECKING, Any

from litestar import Request, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import Struct

from libs.bus.ledger import NotDurable
from libs.bus.rows import encode_row
from libs.contracts.errors import ValidationFailed
from libs.contracts.ledger import FeedbackRow
from libs.contracts.state import request_id_of, response_id_of
from services.edge import logs
from services.edge.flights import unavailable
from services.edge.reaching import Json, answered, body_of, reaching_state
from services.edge.stored import not_found

if TYPE_CHECKING:
    from services.edge.handlers import Edge

AnyRequest = Request[Any, Any, Any]
MOST_LABEL, MOST_COMMENT = 64, 2000
"""Characters."""
MAX_BYTES = 64 * 1024
_OTHER_APIS = re.compile(r"(?:chatcmpl-|msg_)([0-9a-f]{32})")


class Opinion(Struct, frozen=True, kw_only=True):
    """What the client said."""

    score: float
    label: str
    comment: str


class Feedback:
    """Takes the opinions of all workspaces."""

    def __init__(self, edge: "Edge") -> None:
        self._edge = edge

    async def given(self, request: AnyRequest, some_id: str) -> ASGIApp:
        """Put an opinion on record; it is durable when this answers. Raises ValidationFailed, NotFound and Unavailable."""
        key = self._edge.caller(request)
        opinion = opinion_in(await body_of(request, MAX_BYTES))
        request_id = rated(some_id)
        began = await self._began(key.workspace, request_id) if request_id else None
        if request_id is None or began is None:
            raise not_found(some_id)
        row = FeedbackRow(
            feedback_id=f"fb_{os.urandom(16).hex()}", request_id=request_id, workspace=key.workspace, api_key_id=key.id, at=time.time(),
            created_at=began, score=opinion.score, label=opinion.label, comment=opinion.comment,
        )
        try:
            await self._edge.bus.commit([encode_row("feedback", row)])
        except NotDurable:
            raise unavailable("feedback cannot be recorded at the moment", code="storage_unavailable") from None
        return answered(shown(row))

    async def _began(self, workspace: str, request_id: str) -> float | None:
        """When the workspace's request came: as it is stored, which asks no recorder, or else by the ledger."""
        stored = await self._edge.history.stored(workspace, request_id)
        if stored is not None:
            return stored.created_at
        return await logs.began(self._edge.bus.connection, workspace, request_id)


def rated(some_id: str) -> str | None:
    """The request behind the id of a response, a chat completion, a message or a request; None when it is none of ours."""
    other = _OTHER_APIS.fullmatch(some_id)
    return request_id_of(f"resp_{other[1]}" if other else some_id)


def opinion_in(body: Json) -> Opinion:
    """The checked fields; others are ignored. Raises ValidationFailed, naming the field."""
    score = body.get("score")
    if score is None:
        raise _wrong("score", "is required: a number from 0, useless, to 1, as good as can be")
    if isinstance(score, bool):
        raise _wrong("score", "must be a number from 0 to 1: send 1 for a thumb up and 0 for a thumb down")
    if not isinstance(score, int | float) or not 0 <= score <= 1:
        raise _wrong("score", "must be a number from 0 to 1")
    return Opinion(score=float(score), label=_text(body, "label", MOST_LABEL), comment=_text(body, "comment", MOST_COMMENT))


def shown(row: FeedbackRow) -> Json:
    """A row as its client sees it."""
    return {
        "object": "feedback", "id": row.feedback_id, "response_id": response_id_of(row.request_id), "request_id": row.request_id,
        "score": row.score, "label": row.label or None, "comment": row.comment or None, "created_at": int(row.at),
    }


def routes(edge: "Edge", paths: list[str]) -> list[Any]:
    """The route on a response, under each of `paths`."""
    feedback = Feedback(edge)

    @post([f"{path}/{{response_id:str}}/feedback" for path in paths], summary="Say how good a response was", status_code=200)
    async def given(request: AnyRequest, response_id: FromPath[str]) -> ASGIApp:
        with reaching_state():
            return await feedback.given(request, response_id)

    return [given]


def _text(body: Json, name: str, most: int) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise _wrong(name, f"must be a string of at most {most:,} characters")
    return value


def _wrong(field: str, complaint: str) -> ValidationFailed:
    return ValidationFailed(f"{field} {complaint}", param=field)

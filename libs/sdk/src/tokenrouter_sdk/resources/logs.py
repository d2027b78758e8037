"""What is on record of requests. A request is there a moment after it has ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from openai import AsyncOpenAI, Omit, OpenAI, omit

from tokenrouter_sdk.resources.envelopes import given
from tokenrouter_sdk.types.logs import AsyncLogPage, LogEntry, LogPage, LogRecord

if TYPE_CHECKING:
    from openai._base_client import AsyncPaginator


class Logs:
    def __init__(self, client: OpenAI) -> None:
        self._client = client

    def list(
        self, *, request_id: str | Omit = omit, model: str | Omit = omit, provider: str | Omit = omit, status: str | Omit = omit,
        since: datetime | str | Omit = omit, until: datetime | str | Omit = omit, after: str | Omit = omit, limit: int | Omit = omit,
    ) -> LogPage:
        """The workspace's requests, newest first. `model` is the one that was asked for or that answered; `since` is included and
        `until` is not; `limit` is of a page, and iterating goes on to the next."""
        query = _query(request_id, model, provider, status, since, until, after, limit)
        return self._client.get_api_list("/logs", model=LogEntry, page=LogPage, options={"params": query})

    def retrieve(self, request_id: str) -> LogRecord:
        """All that is known of a request, by its id or its response's."""
        return self._client.get(_path(request_id), cast_to=LogRecord)


class AsyncLogs:
    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client

    def list(
        self, *, request_id: str | Omit = omit, model: str | Omit = omit, provider: str | Omit = omit, status: str | Omit = omit,
        since: datetime | str | Omit = omit, until: datetime | str | Omit = omit, after: str | Omit = omit, limit: int | Omit = omit,
    ) -> AsyncPaginator[LogEntry, AsyncLogPage]:
        """The workspace's requests, newest first: await it for a page, or iterate over it for all; see Logs.list."""
        query = _query(request_id, model, provider, status, since, until, after, limit)
        return self._client.get_api_list("/logs", model=LogEntry, page=AsyncLogPage, options={"params": query})

    async def retrieve(self, request_id: str) -> LogRecord:
        """All that is known of a request, by its id or its response's."""
        return await self._client.get(_path(request_id), cast_to=LogRecord)


def _query(
    request_id: str | Omit, model: str | Omit, provider: str | Omit, status: str | Omit, since: datetime | str | Omit,
    until: datetime | str | Omit, after: str | Omit, limit: int | Omit,
) -> dict[str, Any]:
    bounds = {"from": _time(since), "to": _time(until)}
    return given(request_id=request_id, model=model, provider=provider, status=status, after=after, limit=limit, **bounds)


def _time(at: datetime | str | Omit) -> str | Omit:
    """ISO 8601 in UTC; a datetime without a zone is local, as elsewhere in Python."""
    return at.astimezone(UTC).isoformat() if isinstance(at, datetime) else at


def _path(request_id: str) -> str:
    return f"/logs/{quote(request_id, safe='')}"

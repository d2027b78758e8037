"""openai's Responses, and replay."""

from typing import Literal, overload
from urllib.parse import quote

from openai import AsyncStream, Stream
from openai.resources.responses import AsyncResponses as OpenAIAsyncResponses
from openai.resources.responses import Responses as OpenAIResponses
from openai.types.responses import Response, ResponseStreamEvent


class Responses(OpenAIResponses):
    """openai's, and `replay`."""

    @overload
    def replay(self, request_id: str, *, stream: Literal[False] = False) -> Response: ...
    @overload
    def replay(self, request_id: str, *, stream: Literal[True]) -> Stream[ResponseStreamEvent]: ...
    @overload
    def replay(self, request_id: str, *, stream: bool) -> Response | Stream[ResponseStreamEvent]: ...
    def replay(self, request_id: str, *, stream: bool = False) -> Response | Stream[ResponseStreamEvent]:
        """The stored answer to a request once more, plain or streamed; no provider is called. Takes the request's id or the
        response's. Raises NotFoundError, and ConflictError when nothing of it is stored."""
        return self._client.post(
            _path(request_id), cast_to=Response, body={"stream": stream}, stream=stream, stream_cls=Stream[ResponseStreamEvent]
        )


class AsyncResponses(OpenAIAsyncResponses):
    """openai's, and `replay`."""

    @overload
    async def replay(self, request_id: str, *, stream: Literal[False] = False) -> Response: ...
    @overload
    async def replay(self, request_id: str, *, stream: Literal[True]) -> AsyncStream[ResponseStreamEvent]: ...
    @overload
    async def replay(self, request_id: str, *, stream: bool) -> Response | AsyncStream[ResponseStreamEvent]: ...
    async def replay(self, request_id: str, *, stream: bool = False) -> Response | AsyncStream[ResponseStreamEvent]:
        """The stored answer to a request once more, plain or streamed; no provider is called. Takes the request's id or the
        response's. Raises NotFoundError, and ConflictError when nothing of it is stored."""
        return await self._client.post(
            _path(request_id), cast_to=Response, body={"stream": stream}, stream=stream, stream_cls=AsyncStream[ResponseStreamEvent]
        )


def _path(request_id: str) -> str:
    return f"/responses/{quote(request_id, safe='')}"

"""openai's Responses, and what the router adds to them."""

from typing import Literal, overload
from urllib.parse import quote

from openai import AsyncStream, Omit, Stream, omit
from openai.resources.responses import AsyncResponses as OpenAIAsyncResponses
from openai.resources.responses import Responses as OpenAIResponses
from openai.types.responses import Response, ResponseStreamEvent

from tokenrouter_sdk.resources.envelopes import given
from tokenrouter_sdk.types.feedback import Feedback


class Responses(OpenAIResponses):
    """openai's, `replay` and `feedback`."""

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

    def feedback(self, response_id: str, *, score: float, label: str | Omit = omit, comment: str | Omit = omit) -> Feedback:
        """Say how good an answer was: `score` from 0, useless, to 1, as good as can be; a thumb is 1 or 0. Takes the id of a response, a
        chat completion, a message or a request. A later one takes the place of an earlier one. Raises NotFoundError."""
        body = given(score=score, label=label, comment=comment)
        return self._client.post(f"{_path(response_id)}/feedback", cast_to=Feedback, body=body)


class AsyncResponses(OpenAIAsyncResponses):
    """openai's, `replay` and `feedback`."""

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

    async def feedback(self, response_id: str, *, score: float, label: str | Omit = omit, comment: str | Omit = omit) -> Feedback:
        """Say how good an answer was: `score` from 0, useless, to 1, as good as can be; a thumb is 1 or 0. Takes the id of a response, a
        chat completion, a message or a request. A later one takes the place of an earlier one. Raises NotFoundError."""
        body = given(score=score, label=label, comment=comment)
        return await self._client.post(f"{_path(response_id)}/feedback", cast_to=Feedback, body=body)


def _path(request_id: str) -> str:
    return f"/responses/{quote(request_id, safe='')}"

"""What the router would do with a request, without calling a provider."""

from openai import AsyncOpenAI, OpenAI
from typing_extensions import Unpack

from tokenrouter_sdk.types.preview import Preview, PreviewRequest


class Routing:
    def __init__(self, client: OpenAI) -> None:
        self._client = client

    def preview(self, **request: Unpack[PreviewRequest]) -> Preview:
        """Firewall, rules and router look at the request as they would at `responses.create` with the same arguments."""
        return self._client.post("/routing/preview", cast_to=Preview, body=request)


class AsyncRouting:
    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client

    async def preview(self, **request: Unpack[PreviewRequest]) -> Preview:
        """Firewall, rules and router look at the request as they would at `responses.create` with the same arguments."""
        return await self._client.post("/routing/preview", cast_to=Preview, body=request)

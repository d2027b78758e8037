"""A router that answers what a test says, and remembers what it was asked."""

import json
from typing import Any

import httpx2

from tokenrouter_sdk import AsyncTokenRouter, TokenRouter

KEY = "tr_fake"


class Router:
    """Answers in the order given; the last one again and again."""

    def __init__(self, *answers: httpx2.Response) -> None:
        self._answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @property
    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def client(self, **options: Any) -> TokenRouter:
        defaults: dict[str, Any] = {"api_key": KEY, "max_retries": 0, "http_client": httpx2.Client(transport=self.transport)}
        return TokenRouter(**defaults | options)

    def async_client(self, **options: Any) -> AsyncTokenRouter:
        defaults: dict[str, Any] = {"api_key": KEY, "max_retries": 0, "http_client": httpx2.AsyncClient(transport=self.transport)}
        return AsyncTokenRouter(**defaults | options)

    def asked(self, number: int = -1) -> tuple[str, str, Any]:
        """Method, path with query, and body of a request."""
        request = self.requests[number]
        return request.method, request.url.raw_path.decode(), json.loads(request.content) if request.content else None


def answer(value: Any, status: int = 200, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json=value, headers={name.replace("_", "-"): text for name, text in headers.items()})


def stream(*events: dict[str, Any]) -> httpx2.Response:
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return httpx2.Response(200, text=text, headers={"content-type": "text/event-stream"})

"""What the conditions of routing rules can look at. What costs time is worked out at the first look and kept for the next."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import Any

import msgspec

from libs.contracts.decisions import Mode, Screening
from libs.contracts.models import parse_model
from libs.contracts.requests import RequestFacts, Screened
from libs.responses.text import user_text
from libs.routing import estimate
from libs.rules.language import language_of

_decode = msgspec.json.Decoder(dict).decode
_NO_FINDINGS = Screening(revision=0)
_ENDPOINTS = {"preview": "responses"}
"""A preview is of a request to /v1/responses."""


class Facts:
    """One request. `body` is a function, because most rule sets never need it; it gives canonical JSON."""

    def __init__(
        self, asked: RequestFacts, body: Callable[[], bytes], *, screening: Screening = _NO_FINDINGS, endpoint: str = "responses",
        stream: bool = False, key_id: str = "", key_name: str = "", project: str = "", created_at: float = 0.0, conversation: str = "",
    ) -> None:
        """`created_at`: Unix seconds. `conversation`: its id, where the request names one."""
        self.asked, self.metadata, self.screening = asked, asked.metadata, screening
        self.endpoint, self.stream = _ENDPOINTS.get(endpoint, endpoint), stream
        self.key_id, self.key_name, self.project = key_id, key_name, project
        self._body, self._created_at, self._conversation = body, created_at, conversation
        self._local: dict[str, datetime] = {}

    @cached_property
    def request(self) -> dict[str, Any]:
        """The request's body."""
        return _decode(self._body() or b"{}")

    @cached_property
    def text(self) -> str:
        """What the user said, as the firewall left it."""
        return user_text(self.request)

    @cached_property
    def folded(self) -> str:
        """The user's text in folded case."""
        return self.text.casefold()

    @cached_property
    def utf8(self) -> bytes:
        """The user's text for RE2, character for character; half a surrogate pair is a question mark."""
        return self.text.encode("utf-8", "replace")

    @cached_property
    def language(self) -> str:
        """ISO 639-1 code of the user's text, or `unknown`."""
        return language_of(self.text)

    @cached_property
    def mode(self) -> Mode:
        return self.asked.override.mode or self.asked.target.mode or "balance"

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names for the model that the client asked for, the fullest first, in lower case."""
        asked = self.asked
        named = parse_model(asked.override.model) if asked.override.model else asked.target
        provider, model = asked.override.provider or named.provider, named.model
        written = () if asked.override.model or asked.override.provider else (asked.model.strip(),)
        if model is None:
            names = (*written, f"auto:{self.mode}", "auto")
            return _distinct((f"{provider}/auto", *names) if provider else names)
        return _distinct((f"{provider}/{model}", model, *written) if provider else (model, *written))

    @cached_property
    def input_tokens(self) -> int:
        return estimate.input_tokens(self.asked)

    @cached_property
    def output_tokens(self) -> int:
        return estimate.output_tokens(self.asked)

    @cached_property
    def conversation(self) -> str:
        """The same for all turns of a conversation: its id, else who speaks and how it began. Empty where nothing was said."""
        if self._conversation:
            return self._conversation
        began = _opening(self.request)
        return f"{self.key_id}\n{self.asked.user}\n{began}" if began else ""

    def local_time(self, zone: str, info: tzinfo) -> datetime:
        """When the request came, in a time zone."""
        known = self._local.get(zone)
        if known is None:
            known = self._local[zone] = datetime.fromtimestamp(self._created_at, UTC).astimezone(info)
        return known


def facts_of(message: Screened, body: Callable[[], bytes]) -> Facts:
    """The facts of a request that the firewall let pass."""
    return Facts(
        message.facts, body, screening=message.screening, endpoint=message.endpoint, stream=message.stream, key_id=message.key_id,
        key_name=message.key_name, project=message.project, created_at=message.created_at,
        conversation=message.keeping.conversation if message.keeping is not None else "",
    )


def _opening(request: dict[str, Any]) -> str:
    """What the user said first: earlier turns are in the request, so it is the same in all of them."""
    given = request.get("input")
    for item in given if isinstance(given, list) else ():
        if said := user_text({"input": [item]}):
            return said
    return given if isinstance(given, str) else ""


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.lower() for name in names))

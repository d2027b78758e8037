"""A request in the making: what it is made from, and what is noted on the way."""

from typing import Any

from msgspec import Struct

from services.provider_worker.dialect import Call, ProviderFailure
from services.provider_worker.dialects.chat.quirks import Quirks

Json = dict[str, Any]


class Draft(Struct, kw_only=True):
    """One for each request; the modules that translate a part of it share it."""

    call: Call
    quirks: Quirks
    provider: str
    """Provider id, the origin of sealed state."""
    name: str
    """The provider's name in messages."""
    adapted: list[str] = []
    schemas: dict[str, Json] = {}
    """As in `Upstream`."""

    @property
    def request(self) -> Json:
        """The canonical request."""
        return self.call.request

    def note(self, text: str) -> None:
        """Something was changed or dropped."""
        self.adapted.append(text)

    def cannot(self, what: str, param: str | None = None) -> ProviderFailure:
        """This server has no way to say it; another provider may have one."""
        return ProviderFailure(f"{self.name} cannot express {what}", code="invalid_request", fallback=True, param=param)


def malformed(what: str, param: str) -> ProviderFailure:
    """No provider could make sense of this."""
    return ProviderFailure(what, code="invalid_request", fallback=False, param=param)

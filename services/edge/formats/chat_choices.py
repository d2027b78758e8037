"""Several choices of one completion, each the answer to a request of its own."""

from typing import Any

import msgspec

from services.edge.formats.chat import ChatFormat, knows_functions, wants_usage
from services.edge.formats.chat_completion import whole
from services.edge.formats.chat_shared import Shared
from services.edge.ingress.chat import choices_wanted

_decode = msgspec.json.Decoder().decode


class ChatChoices:
    """`formats` has one for each choice. What they write may be sent in any order; the tokens of all and `[DONE]` come from the one
    that ends last."""

    def __init__(self, body: dict[str, Any]) -> None:
        """For a chat body. Raises InvalidRequest."""
        count = choices_wanted(body)
        shared = Shared(count, include_usage=wants_usage(body))
        self._functions = knows_functions(body)
        self.formats = [ChatFormat(functions=self._functions, shared=shared, index=index) for index in range(count)]

    def merged(self, responses: list[bytes]) -> tuple[int, bytes]:
        """HTTP status and body for all the answers, in the order of the choices; that of a failure when one of them failed."""
        return whole([_decode(response) for response in responses], functions=self._functions)

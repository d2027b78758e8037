"""A Chat Completions body as a Responses request.

https://platform.openai.com/docs/api-reference/chat/create
"""

from typing import Any

from libs.contracts.errors import InvalidRequest
from services.edge.ingress.chat_fields import checked
from services.edge.ingress.chat_messages import items_of
from services.edge.ingress.chat_parameters import parameters
from services.edge.ingress.chat_tools import tools

Json = dict[str, Any]

MOST_CHOICES = 8
"""Each choice is a request of its own, to a provider of its own."""


def request_of(body: Json) -> Json:
    """The request, canonical already. Fields that the chat API does not have are left out. Raises InvalidRequest, naming the
    parameter as the client knows it."""
    given = checked(body)
    choices_wanted(body)
    return parameters(given) | tools(given) | {"input": items_of(given["messages"])}


def choices_wanted(body: Json) -> int:
    """`n`. Raises InvalidRequest."""
    wanted = body.get("n")
    if wanted is None:
        return 1
    if type(wanted) is not int or not 1 <= wanted <= MOST_CHOICES:
        raise InvalidRequest(f"n must be an integer from 1 to {MOST_CHOICES}.", param="n")
    return wanted

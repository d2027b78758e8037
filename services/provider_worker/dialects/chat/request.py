"""A canonical request as a body for the chat API."""

from typing import Any

import msgspec

from services.provider_worker.dialects.chat.arrange import arranged
from services.provider_worker.dialects.chat.draft import Draft
from services.provider_worker.dialects.chat.history import History
from services.provider_worker.dialects.chat.output_format import output_format
from services.provider_worker.dialects.chat.parameters import parameters
from services.provider_worker.dialects.chat.reasoning import reasoning
from services.provider_worker.dialects.chat.tools import is_forced, tools

Json = dict[str, Any]

_encode = msgspec.json.Encoder().encode


def body(draft: Draft) -> bytes:
    """The JSON to send. Raises ProviderFailure for what the server cannot express."""
    request, quirks = draft.request, draft.quirks
    if request.get("prompt") is not None:
        raise draft.cannot("a stored prompt template", "prompt")
    messages = arranged(History(draft).read(), draft)
    called = tools(draft)
    thinking, thinks = reasoning(draft, forced=is_forced(request))
    made: Json = {"model": draft.call.model, "messages": messages}
    made |= parameters(draft, thinks=thinks)
    made |= called
    made |= output_format(draft, messages)
    made |= thinking
    made |= quirks.extra
    if draft.call.stream:
        made["stream"] = True
        if quirks.stream_usage:
            made["stream_options"] = {"include_usage": True}
    return _encode(made)

"""The bodies that the other routes take, in JSON Schema. Fields that are not listed are ignored, unless a schema says otherwise."""

from collections.abc import Collection, Mapping
from typing import Any

from libs.contracts.models import MODES
from libs.responses.canonical import METADATA_PAIRS, METADATA_VALUE
from services.edge.conversations import MOST_ITEMS
from services.edge.feedback import MOST_COMMENT, MOST_LABEL
from services.edge.ingress import chat_fields, messages_fields
from services.edge.ingress.chat import MOST_CHOICES
from services.edge.ingress.embeddings import LARGEST, MOST_INPUTS
from services.edge.openapi_parts import PREFERENCES, Schema, of, ref
from services.edge.trials import MOST_DRAFTS

_JSON_TYPES: dict[type, str] = {str: "string", dict: "object", list: "array", int: "integer", float: "number", bool: "boolean"}
_METADATA = of(
    "object", "Keys have at most 64 characters, values at most 512.", maxProperties=METADATA_PAIRS,
    additionalProperties=of("string", maxLength=METADATA_VALUE),
)
_MODEL = of("string", "As in a Responses request: a model, `<provider>/<model>`, `auto`, or `auto:<mode>`.", minLength=1)
_ROUTING: Schema = {
    "router_mode": {"type": ["string", "null"], "description": f"One of {', '.join(MODES)}; stronger than the mode in `model`."},
    "router_model": {"type": ["string", "null"], "description": "Stronger than `model`, weaker than a rule."},
    "router_provider": {"type": ["string", "null"], "description": "Forces the provider; weaker than a rule."},
    "provider": PREFERENCES,
}


def _typed(fields: Mapping[str, tuple[tuple[type, ...], str]], notes: Mapping[str, Schema]) -> Schema:
    """A property for each field that is checked; null stands for absent."""
    made: dict[str, Any] = {}
    for name, (kinds, _) in fields.items():
        # A number covers integers.
        types = [_JSON_TYPES[kind] for kind in kinds if kind is not int or float not in kinds]
        made[name] = {"type": [*types, "null"]} | notes.get(name, {})
    return made


_CHAT = of(
    "object", "OpenAI's chat completion request. An explicit null means absent; fields that are not listed are left out.",
    required=["model", "messages"],
    properties=_typed(chat_fields.FIELDS, _ROUTING | {
        "model": _MODEL,
        "messages": of("array", minItems=1, items=ref("ChatMessage")),
        "n": {"minimum": 1, "maximum": MOST_CHOICES, "description": "Each choice is a request of its own."},
        "metadata": _METADATA | {"type": ["object", "null"]},
        "max_tokens": {"minimum": 1}, "max_completion_tokens": {"minimum": 1, "description": "Stronger than max_tokens."},
        "temperature": {"minimum": 0, "maximum": 2}, "top_p": {"minimum": 0, "maximum": 1},
        "top_logprobs": {"minimum": 0, "maximum": 20, "description": "Needs `logprobs`."},
        "stop": {"items": of("string")},
        "store": {"description": "Keep the answer, to be replayed.", "default": False},
        "stream": {"description": "Answer with server-sent events of chat.completion.chunk objects, and [DONE] at the end."},
    }),
)
_CHAT_MESSAGE = of("object", "A message. Content is a string or an array of parts.", required=["role"], properties={
    "role": {"enum": ["system", "developer", "user", "assistant", "tool", "function"]},
    "content": {"type": ["string", "array", "null"], "items": of("object")},
    "name": {"type": ["string", "null"]},
    "tool_calls": {"type": ["array", "null"], "items": of("object"), "description": "Of an assistant's message."},
    "tool_call_id": of("string", "Of a tool's message: the id of a call before it."),
})


def _messages(required: Collection[str]) -> Schema:
    return of(
        "object", "Anthropic's Messages request. An explicit null means absent; fields that are not listed are left out.",
        required=list(required),
        properties=_typed(messages_fields.FIELDS, _ROUTING | {
            "model": _MODEL,
            "messages": of("array", minItems=1, items=of("object", required=["role", "content"], properties={
                "role": {"enum": ["user", "assistant", "system"]}, "content": {"type": ["string", "array"], "items": of("object")},
            })),
            "max_tokens": {"minimum": 1},
            "temperature": {"minimum": 0, "maximum": 2}, "top_p": {"minimum": 0, "maximum": 1},
            "stop_sequences": {"items": of("string")},
            "system": {"items": of("object")},
            "tools": {"items": of("object")},
            "thread": {"description": "Refused: thread_unsupported_request."},
            "compaction": {"description": "Refused: use /v1/responses/compact."},
            "mcp_servers": {"description": "Refused unless empty: tools of type mcp on /v1/responses call them."},
        }),
    )


_TOKENS = of("array", minItems=1, items=of("integer", minimum=0, maximum=LARGEST))
_EMBEDDINGS = of("object", "OpenAI's embeddings request.", required=["model", "input"], properties=_ROUTING | {
    "model": _MODEL,
    "input": {"anyOf": [
        of("string", minLength=1),
        of("array", minItems=1, maxItems=MOST_INPUTS, items=of("string", minLength=1)),
        _TOKENS,
        of("array", "Arrays of token ids.", minItems=1, maxItems=MOST_INPUTS, items=_TOKENS),
    ]},
    "dimensions": {"type": ["integer", "null"], "minimum": 1, "maximum": LARGEST},
    "encoding_format": {"enum": ["float", "base64", None]},
    "user": {"type": ["string", "null"]},
    "metadata": _METADATA | {"type": ["object", "null"]},
})



def _tried(what: str, kind: str, more: Schema) -> Schema:
    """A request with drafts of rules."""
    return of("object", properties={
        "request": {"allOf": [ref("ResponseRequest")], "description": "The request to try them on; its fields may also stand beside `rules`."},
        "rules": of(
            "array", f"Drafts of {what} in place of the live ones, which are tried where this is left out. As {kind}, where name, priority and "
            "is_enabled may be missing.", items=of("object"), maxItems=MOST_DRAFTS,
        ),
        "on_top": of("boolean", "The drafts go on top of the live rules; one with the id of a live rule takes its place."),
    } | more)


_ITEMS = of("array", maxItems=MOST_ITEMS, items=ref("InputItem"))
REQUESTS: dict[str, Schema] = {
    "ChatRequest": _CHAT,
    "ChatMessage": _CHAT_MESSAGE,
    "MessagesRequest": _messages(["model", "messages", "max_tokens"]),
    "CountTokensRequest": _messages(["model", "messages"]),
    "EmbeddingsRequest": _EMBEDDINGS,
    "CompactRequest": {
        "description": "A Responses request whose conversation is to be compacted; what says how an answer is written is ignored.",
        "allOf": [ref("ResponseRequest"), {"required": ["model"]}],
    },
    "InputTokensRequest": {
        "description": "A Responses request; what says how an answer is written, delivered or kept is ignored.",
        "allOf": [ref("ResponseRequest")],
    },
    "PreviewRequest": {
        "description": "A Responses request; `stream`, `background` and `store` are ignored.", "allOf": [ref("ResponseRequest")],
    },
    "RoutingRulesPreviewRequest": _tried("routing rules", "RoutingRule", {
        "firewall_rules": of("array", "Drafts for the firewall, which comes first.", items=of("object")),
    }),
    "FirewallPreviewRequest": _tried("firewall rules", "FirewallRule", {
        "response": {"description": "An answer to try rules of scope `response` on: a text, output items, or a whole response."},
    }),
    "ReplayRequest": of("object", properties={"stream": {"type": ["boolean", "null"], "description": "Answer with server-sent events."}}),
    "FeedbackRequest": of("object", required=["score"], properties={
        "score": of("number", "From 0, useless, to 1, as good as can be; a thumb is 1 or 0.", minimum=0, maximum=1),
        "label": {"type": ["string", "null"], "maxLength": MOST_LABEL, "description": "A word of your own, such as `wrong` or `too-long`."},
        "comment": {"type": ["string", "null"], "maxLength": MOST_COMMENT, "description": "Kept in the ledger as it is sent."},
    }),
    "ConversationRequest": of("object", properties={
        "metadata": _METADATA | {"type": ["object", "null"]},
        "items": _ITEMS | {"type": ["array", "null"], "description": "The first items."},
    }),
    "ConversationChange": of("object", required=["metadata"], properties={
        "metadata": _METADATA | {"type": ["object", "null"], "description": "Takes the place of the old pairs; null removes them."},
    }),
    "ItemsRequest": of("object", required=["items"], properties={"items": _ITEMS | {"minItems": 1}}),
}

"""What each route takes and answers: (method, path) → operation. The rules' routes are in openapi_rules."""

from msgspec import Struct

from services.edge.admission import KEY_HEADERS
from services.edge.conversations import MOST_ITEMS
from services.edge.idempotency import MAX_KEY
from services.edge.logs_query import LIMIT as LOGS_LIMIT
from services.edge.logs_query import MOST as LOGS_MOST
from services.edge.logs_query import STATUSES
from services.edge.openapi_codes import BODY, CARRIED_OUT, CONTINUED, REPEATABLE, SCREENED, SHARED, TRIED, failures
from services.edge.openapi_parts import Schema, json_answer, json_body, of, parameter, ref
from services.edge.paging import LIMIT, MOST

_FORMATS = parameter(
    "X-TokenRouter-Stream-Format", "header", {"enum": ["openai", "tokenrouter"]},
    "How a stream is written; `openai` unless the edge is set otherwise.",
)
_TRACE = parameter("traceparent", "header", of("string"), "W3C trace context; carried through every stage and to the provider.")
_EXPLAIN = parameter(
    "X-TokenRouter-Explain", "header", of("string"),
    "`true` adds every rule that was looked at, the candidates and their scores to the response.",
)
_IDEMPOTENCY = parameter(
    "Idempotency-Key", "header", of("string", minLength=1, maxLength=MAX_KEY),
    "The same key and body within a day get the same answer from one provider call. Every answer names the key that repeats it.",
)
_KEYS = [parameter(name, "header", of("string"), f"Your own key for {provider}, for this request only.") for name, provider in KEY_HEADERS.items()]
_ASKED = [_EXPLAIN, _TRACE, *_KEYS]
_REQUEST_IDS = {name: {"schema": of("string")} for name in ("x-tokenrouter-request-id", "x-request-id")}
_ROUTED: Schema = {
    **_REQUEST_IDS,
    "idempotency-key": {"schema": of("string"), "description": "The client's, or one that was issued: sent back, it repeats this answer."},
    "x-tokenrouter-provider": {"schema": of("string"), "description": "Not on streams."},
    "x-tokenrouter-model": {"schema": of("string"), "description": "Not on streams."},
    "x-tokenrouter-repeated": {"schema": of("string"), "description": "`true` where an idempotency key repeated the answer."},
}
# Without a type: OpenAPI 3.1 cannot say whether it would be that of the whole text or of one event.
_STREAM: Schema = {"schema": {"description": "Server-sent events; the data of each is a StreamEvent."}}
_CHUNKS: Schema = {"schema": {"description": "Server-sent events as this API has them."}}


class Operation(Struct, frozen=True, kw_only=True):
    """One method on one path."""

    id: str
    tag: str
    answer: str
    """Name of the schema of a 200."""
    said: str = "Done."
    codes: frozenset[str]
    """Those of the errors that it may answer with."""
    body: str = ""
    body_required: bool = True
    parameters: list[Schema] = []
    description: str = ""
    stream: Schema | None = None
    headers: Schema = {}
    errors: str = "Error"

    def told(self, summary: str) -> Schema:
        """As the document has it."""
        done = json_answer(self.said, ref(self.answer))
        if self.headers:
            done["headers"] = self.headers
        if self.stream is not None:
            done["content"] = done["content"] | {"text/event-stream": self.stream}
        told: Schema = {"summary": summary, "operationId": self.id, "tags": [self.tag]}
        if self.description:
            told["description"] = self.description
        if self.parameters:
            told["parameters"] = self.parameters
        if self.body:
            told["requestBody"] = json_body(ref(self.body), required=self.body_required)
        return told | {"responses": {"200": done} | failures(self.codes, self.errors)}


def _path(name: str, description: str = "") -> Schema:
    return parameter(name, "path", of("string"), description)


_RESPONSE = _path("response_id", "`resp_…`; the request id `req_…` means the same.")
_CONVERSATION, _ITEM = _path("conversation_id"), _path("item_id")
_STORED = SHARED | {"response_not_found"}
_TALKED = SHARED | {"conversation_not_found"}
_INCLUDE = parameter("include", "query", of("array", items=of("string")), "Accepted; everything that is stored is shown anyway.")
_PAGE = [
    parameter("limit", "query", of("integer", minimum=1, maximum=MOST, default=LIMIT)),
    parameter("order", "query", {"enum": ["asc", "desc"], "default": "desc"}, "By age; `desc` is newest first."),
    parameter("after", "query", of("string"), "The item behind which the page begins."),
    parameter("before", "query", of("string"), "The item before which the page ends."),
    _INCLUDE,
]
_TIME = "RFC 3339, or Unix seconds."
_LOG_FILTERS = [
    parameter("limit", "query", of("integer", minimum=1, maximum=LOGS_MOST, default=LOGS_LIMIT)),
    parameter("after", "query", of("string"), "The `next_cursor` of the page before."),
    parameter("request_id", "query", of("string"), "Of the request, or of its response."),
    parameter("model", "query", of("string", maxLength=512), "The model that was asked for, or the one that answered."),
    parameter("provider", "query", of("string", maxLength=512)),
    parameter("status", "query", {"enum": list(STATUSES)}),
    parameter("from", "query", of("string"), f"Earliest time, included. {_TIME}"),
    parameter("to", "query", of("string"), f"Latest time, left out. {_TIME}"),
]

_RESPONSES = {
    ("POST", "/v1/responses"): Operation(
        id="createResponse", tag="responses", body="ResponseRequest", answer="Response", stream=_STREAM, headers=_ROUTED,
        said="The response. It may itself say status `incomplete` or `failed`; a stream that cannot go on ends in response.failed.",
        description="A GET with `Upgrade: websocket` on the same path opens a WebSocket instead. There, each text frame "
        '`{"type": "response.create", …}` holds the fields of this request, and one frame for each event comes back; errors are frames of '
        "type `error`. Turns with the same `stream_id` follow each other, others run beside them.",
        parameters=[_IDEMPOTENCY, _FORMATS, *_ASKED], codes=CARRIED_OUT | CONTINUED | REPEATABLE,
    ),
    ("GET", "/v1/responses/{response_id}"): Operation(
        id="readResponse", tag="responses", answer="Response", stream=_STREAM, said="The response as it is now.", headers=_REQUEST_IDS,
        codes=_STORED,
        parameters=[
            _RESPONSE,
            parameter("stream", "query", {"enum": ["true", "false"]}, "Its events instead, those still to come included."),
            parameter("starting_after", "query", of("integer", minimum=0, maximum=999_999_999), "Number of the last event that is not wanted."),
            _INCLUDE,
        ],
    ),
    ("POST", "/v1/responses/{response_id}"): Operation(
        id="replayResponse", tag="responses", body="ReplayRequest", body_required=False, answer="Response", stream=_STREAM,
        said="The answer once more; no provider is called.", parameters=[_RESPONSE, _FORMATS], headers=_REQUEST_IDS,
        codes=_STORED | BODY | {"response_not_completed", "nothing_to_replay"},
    ),
    ("DELETE", "/v1/responses/{response_id}"): Operation(
        id="deleteResponse", tag="responses", answer="Deleted", parameters=[_RESPONSE], codes=_STORED,
    ),
    ("POST", "/v1/responses/{response_id}/cancel"): Operation(
        id="cancelResponse", tag="responses", answer="Response", said="The response; one that was over is as it was.", parameters=[_RESPONSE],
        headers=_REQUEST_IDS, codes=_STORED,
    ),
    ("GET", "/v1/responses/{response_id}/input_items"): Operation(
        id="listInputItems", tag="responses", answer="ItemList", said="All that the model was given, earlier turns included.",
        parameters=[_RESPONSE, *_PAGE], codes=_STORED,
    ),
    ("POST", "/v1/responses/{response_id}/feedback"): Operation(
        id="giveFeedback", tag="responses", body="FeedbackRequest", answer="Feedback",
        codes=_STORED | BODY | {"validation_failed", "storage_unavailable"},
        said="It is on record. A later one by the same API key on the same response takes its place.",
        description="Of any request on record, whether its answer is stored or not.",
        parameters=[_path("response_id", "`resp_…`, `chatcmpl-…` or `msg_…` as the answer has it; the request id `req_…` means the same.")],
    ),
    ("POST", "/v1/responses/compact"): Operation(
        id="compactResponse", tag="responses", body="CompactRequest", answer="Compaction", said="The shorter conversation.",
        parameters=[_IDEMPOTENCY, *_ASKED], headers=_ROUTED, codes=CARRIED_OUT | CONTINUED | REPEATABLE,
    ),
    ("POST", "/v1/responses/input_tokens"): Operation(
        id="countInputTokens", tag="responses", body="InputTokensRequest", answer="InputTokens", said="The count.", parameters=_ASKED,
        headers=_ROUTED, codes=CARRIED_OUT | CONTINUED | REPEATABLE,
    ),
}
_CONVERSATIONS = {
    ("POST", "/v1/conversations"): Operation(
        id="createConversation", tag="conversations", body="ConversationRequest", body_required=False, answer="Conversation",
        codes=SHARED | BODY, description=f"With at most {MOST_ITEMS} items to begin with.",
    ),
    ("GET", "/v1/conversations/{conversation_id}"): Operation(
        id="readConversation", tag="conversations", answer="Conversation", parameters=[_CONVERSATION], codes=_TALKED,
    ),
    ("POST", "/v1/conversations/{conversation_id}"): Operation(
        id="changeConversation", tag="conversations", body="ConversationChange", answer="Conversation", parameters=[_CONVERSATION],
        codes=_TALKED | BODY,
    ),
    ("DELETE", "/v1/conversations/{conversation_id}"): Operation(
        id="deleteConversation", tag="conversations", answer="Deleted", parameters=[_CONVERSATION], codes=_TALKED,
    ),
    ("POST", "/v1/conversations/{conversation_id}/items"): Operation(
        id="addItems", tag="conversations", body="ItemsRequest", answer="ItemList", said="The items with their ids.",
        parameters=[_CONVERSATION, _INCLUDE], codes=_TALKED | BODY,
    ),
    ("GET", "/v1/conversations/{conversation_id}/items"): Operation(
        id="listItems", tag="conversations", answer="ItemList", parameters=[_CONVERSATION, *_PAGE], codes=_TALKED,
    ),
    ("GET", "/v1/conversations/{conversation_id}/items/{item_id}"): Operation(
        id="readItem", tag="conversations", answer="Item", parameters=[_CONVERSATION, _ITEM, _INCLUDE], codes=_TALKED | {"item_not_found"},
    ),
    ("DELETE", "/v1/conversations/{conversation_id}/items/{item_id}"): Operation(
        id="deleteItem", tag="conversations", answer="Conversation", parameters=[_CONVERSATION, _ITEM], codes=_TALKED | {"item_not_found"},
    ),
}
_OTHERS = {
    ("POST", "/v1/chat/completions"): Operation(
        id="createChatCompletion", tag="chat", body="ChatRequest", answer="ChatCompletion", stream=_CHUNKS, headers=_ROUTED,
        said="The completion.", parameters=[_IDEMPOTENCY, *_ASKED], codes=CARRIED_OUT | REPEATABLE,
    ),
    ("POST", "/v1/embeddings"): Operation(
        id="createEmbeddings", tag="embeddings", body="EmbeddingsRequest", answer="EmbeddingsList", said="A vector for each input.",
        parameters=[_IDEMPOTENCY, *_ASKED], headers=_ROUTED, codes=CARRIED_OUT | REPEATABLE,
    ),
    ("POST", "/v1/messages"): Operation(
        id="createMessage", tag="messages", body="MessagesRequest", answer="Message", stream=_CHUNKS, said="The message.", headers=_ROUTED,
        parameters=[_IDEMPOTENCY, *_ASKED], codes=CARRIED_OUT | REPEATABLE | {"thread_unsupported_request"}, errors="MessagesError",
    ),
    ("POST", "/v1/messages/count_tokens"): Operation(
        id="countMessageTokens", tag="messages", body="CountTokensRequest", answer="TokenCount", said="The count.", parameters=_ASKED,
        headers=_ROUTED, codes=CARRIED_OUT | REPEATABLE | {"thread_unsupported_request"}, errors="MessagesError",
    ),
    ("POST", "/v1/routing/preview"): Operation(
        id="previewRouting", tag="routing", body="PreviewRequest", answer="RoutingPreview", headers=_ROUTED, parameters=_ASKED,
        said="What would be done; no provider is called, and nothing goes on record.", codes=CARRIED_OUT | CONTINUED | REPEATABLE,
    ),
    ("POST", "/v1/routing-rules/preview"): Operation(
        id="previewRoutingRules", tag="routing rules", body="RoutingRulesPreviewRequest", answer="RoutingPreview", headers=_ROUTED, parameters=_ASKED,
        said="What would be done; no provider is called, and nothing goes on record.", codes=CARRIED_OUT | CONTINUED | TRIED,
    ),
    **{
        ("POST", path): Operation(
            id=name, tag="firewall rules", body="FirewallPreviewRequest", answer="FirewallPreview", headers=_ROUTED, said="What would be done.",
            codes=SCREENED | CONTINUED | TRIED,
        )
        for path, name in (("/v1/firewall/preview", "previewFirewall"), ("/v1/firewall-rules/preview", "previewFirewallRules"))
    },
    ("GET", "/v1/models"): Operation(id="listModels", tag="models", answer="ModelList", parameters=_KEYS, codes=SHARED),
    ("GET", "/v1/models/{model_id}"): Operation(
        id="readModel", tag="models", answer="Model", codes=SHARED | {"model_not_found"},
        parameters=[_path("model_id", "Anything that `model` may say; slashes need not be escaped."), *_KEYS],
    ),
    ("GET", "/v1/logs"): Operation(id="listLogs", tag="logs", answer="LogList", parameters=_LOG_FILTERS, codes=SHARED),
    ("GET", "/v1/logs/{request_id}"): Operation(
        id="readLog", tag="logs", answer="LogWhole", parameters=[_path("request_id", "Of the request, or of its response.")],
        codes=SHARED | {"not_found"},
    ),
}
_CHANGED_POLICY = SHARED | BODY | {"conflict", "validation_failed"}
_POLICY = {
    ("GET", "/v1/routing/policy"): Operation(id="readRoutingPolicy", tag="routing policy", answer="RoutingPolicyAnswer", codes=SHARED),
    ("PUT", "/v1/routing/policy"): Operation(
        id="writeRoutingPolicy", tag="routing policy", body="RoutingPolicyFields", answer="RoutingPolicyAnswer", codes=_CHANGED_POLICY,
        description="In force in every router within a second. A field that is not given is back at its default.",
    ),
    ("PATCH", "/v1/routing/policy"): Operation(
        id="changeRoutingPolicy", tag="routing policy", body="RoutingPolicyFields", answer="RoutingPolicyAnswer", codes=_CHANGED_POLICY,
        description="The given fields take the place of those that are there, each as a whole.",
    ),
    ("DELETE", "/v1/routing/policy"): Operation(id="deleteRoutingPolicy", tag="routing policy", answer="Success", codes=SHARED),
    ("DELETE", "/v1/routing/policy/learned"): Operation(id="deleteLearned", tag="routing policy", answer="Success", codes=SHARED),
}
OPERATIONS = _RESPONSES | _CONVERSATIONS | _POLICY | _OTHERS

_READINESS = ("They can.", "Something is missing; the body says what.")
OPS: dict[str, Schema] = {
    "/healthz": {"200": json_answer("It does.", of("object", required=["status"], properties={"status": {"const": "ok"}}))},
    "/readyz": {status: json_answer(text, ref("Readiness")) for status, text in zip(("200", "503"), _READINESS, strict=True)},
    "/metrics": {"200": {"description": "Prometheus text format.", "content": {"text/plain": {"schema": of("string")}}}},
}
"""The routes without a key: path → answers to GET."""

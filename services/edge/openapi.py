"""The edge's API on paper: OpenAPI 3.1 from the routes, the error tree and the rules' types.

Served at /openapi/openapi.json; `python -m docs` writes the same to docs/openapi.json. Litestar's own generator knows
nothing of what these handlers read and write, because they take the raw request and answer as ASGI applications.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute

from libs.contracts.decisions import Candidate, Excluded
from libs.contracts.errors import InvalidRequest, ProviderError, RouterError, Unavailable, ValidationFailed
from libs.contracts.message import RuleTrace, Warning
from libs.contracts.policies import FirewallRule, RoutingRule
from services.edge.admission import KEY_HEADERS
from services.edge.openapi_schemas import SCHEMAS, Schema

VERSION = "0.1.0"
RESPONSES = "/v1/responses"
_OPS = ("/healthz", "/readyz", "/metrics")
_REFS = "#/components/schemas/{name}"

CODES: tuple[tuple[type[RouterError], str, str], ...] = (
    (InvalidRequest, "previous_response_not_found", "Responses are not stored yet, so there is none to continue."),
    (ValidationFailed, "invalid_rule_pattern", "A firewall rule's pattern is not valid, or would match everything."),
    (ValidationFailed, "too_many_rules", "The workspace holds its maximum of rules."),
    (ProviderError, "provider_key_invalid", "The provider turned the key down."),
    (ProviderError, "insufficient_quota", "The account at the provider has no credit left."),
    (ProviderError, "worker_lost", "The answer was lost on its way; the provider may have been billed."),
    (Unavailable, "firewall_unavailable", "The firewall is not running, and nothing passes unscreened."),
    (Unavailable, "storage_unavailable", "Decisions cannot be recorded, so nothing is carried out."),
)
"""Codes beside each class's own, with what they mean."""

_RULE_CODES = frozenset({"conflict", "validation_failed", "invalid_rule_pattern", "too_many_rules"})
_SHARED_CODES = frozenset({"invalid_request", "invalid_api_key", "not_found", "request_too_large", "service_unavailable"})

_HEADERS: list[tuple[str, str]] = [
    ("X-TokenRouter-Stream-Format", "`openai` (default) or `tokenrouter`: how a stream is written."),
    ("X-TokenRouter-Explain", "`true` adds every rule that was looked at, the candidates and their scores to the response."),
    ("traceparent", "W3C trace context; carried through every stage and to the provider."),
    *((name, f"Your own key for {provider}, for this request only.") for name, provider in KEY_HEADERS.items()),
]


@lru_cache(maxsize=1)
def served(app: Litestar) -> bytes:
    """The document as JSON; made at the first request for it."""
    return msgspec.json.encode(document(app))


def document(app: Litestar) -> dict[str, Any]:
    """The document of an application."""
    rules = (RoutingRule, FirewallRule, RuleTrace, Warning, Candidate, Excluded)
    _, types = msgspec.json.schema_components(rules, schema_hook=lambda _: {"description": "Any JSON value."}, ref_template=_REFS)
    paths: dict[str, Any] = {}
    for path, method, summary in sorted(_documented(app)):
        paths.setdefault(path, {})[method.lower()] = _operation(path, method, summary)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TokenRouter", "version": VERSION,
            "description": "Every path under /v1 also answers without a prefix and under /v1/v1, /api and /api/v1, for clients whose "
            "base URL is configured that way.",
        },
        "servers": [{"url": "/"}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer tr_…`"}},
            "schemas": SCHEMAS | {name: types[name] for name in sorted(types)},
        },
    }


def error_codes() -> list[tuple[int, str, str, str]]:
    """(status, type, code, meaning) of every error, by status."""
    own = [(kind.status, kind.type, kind.code, (kind.__doc__ or "").strip()) for kind in _below(RouterError)]
    return sorted([*own, *((kind.status, kind.type, code, meaning) for kind, code, meaning in CODES)])


def _below(kind: type[RouterError]) -> Iterator[type[RouterError]]:
    """The subclasses in the contract; what other modules derive for their own use adds nothing."""
    for sub in kind.__subclasses__():
        if sub.__module__ == RouterError.__module__:
            yield sub
            yield from _below(sub)


def _documented(app: Litestar) -> Iterator[tuple[str, str, str]]:
    """(path, method, summary) of each route, under its first prefix only."""
    for route in app.routes:
        path = route.path_format
        if isinstance(route, ASGIRoute) and path == RESPONSES:
            yield path, route.route_handler.opt["method"], route.route_handler.opt["summary"]
        if not isinstance(route, HTTPRoute):
            continue
        if path in _OPS or (path.startswith("/v1/") and not path.startswith("/v1/v1/")):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.summary:
                    yield path, method, handler.summary


def _operation(path: str, method: str, summary: str) -> Schema:
    if path in _OPS:
        return {"summary": summary, "security": [], "responses": _OPS_ANSWERS[path]}
    if path == RESPONSES:
        return _create_response(summary)
    return _rule_operation(path, method, summary)


def _create_response(summary: str) -> Schema:
    stream = {"schema": {"type": "string", "description": "Server-sent events; the data of each is a StreamEvent."}}
    answer = {
        "description": "The response. It may itself say status `incomplete` or `failed`; a stream that cannot go on ends in response.failed.",
        "headers": {
            "x-tokenrouter-request-id": {"schema": {"type": "string"}},
            "x-tokenrouter-provider": {"schema": {"type": "string"}, "description": "Not on streams."},
            "x-tokenrouter-model": {"schema": {"type": "string"}, "description": "Not on streams."},
        },
        "content": {"application/json": {"schema": _ref("Response")}, "text/event-stream": stream},
    }
    return {
        "summary": summary,
        "operationId": "createResponse",
        "tags": ["responses"],
        "parameters": [
            {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": text} for name, text in _HEADERS
        ],
        "requestBody": _body(_ref("ResponseRequest")),
        "responses": {"200": answer} | _errors([400, 401, 404, 413, 422, 429, 500, 502, 503, 504], rules=False),
    }


def _rule_operation(path: str, method: str, summary: str) -> Schema:
    kind = RoutingRule if "routing" in path else FirewallRule
    one = path.endswith("}")
    rule = _ref(kind.__name__)
    data = {"type": "array", "items": rule} if method == "GET" and not one else rule
    answer = {"type": "object", "properties": {"data": data}}
    if method == "DELETE":
        answer = {"type": "object", "properties": {"success": {"const": True}}}
    operation: Schema = {
        "summary": summary,
        "operationId": f"{_VERBS[method, one]}{kind.__name__}{'' if one or method == 'POST' else 's'}",
        "tags": ["routing rules" if kind is RoutingRule else "firewall rules"],
    }
    if one:
        operation["parameters"] = [{"name": "rule_id", "in": "path", "required": True, "schema": {"type": "integer"}}]
    if method in ("POST", "PATCH"):
        operation["requestBody"] = _body(_rule_fields(kind, partial=method == "PATCH"))
    success = "201" if method == "POST" else "200"
    failures = [401, *([404] if one else []), *([400, 409, 413, 422] if method in ("POST", "PATCH") else []), 503]
    done = {"description": "Done.", "content": {"application/json": {"schema": answer}}}
    operation["responses"] = {success: done} | _errors(sorted(failures), rules=True)
    return operation


_VERBS = {
    ("GET", False): "list", ("POST", False): "create", ("GET", True): "read", ("PATCH", True): "change", ("DELETE", True): "delete",
}


def _rule_fields(kind: type[RoutingRule] | type[FirewallRule], *, partial: bool) -> Schema:
    """The fields that a client may send: those of the rule, minus what the router sets."""
    (_,), known = msgspec.json.schema_components([kind], ref_template=_REFS)
    ours = ("id", "user_id", "created_at", "updated_at")
    fields = {name: schema for name, schema in known[kind.__name__]["properties"].items() if name not in ours}
    fields["name"] |= {"maxLength": 128, "minLength": 1}
    fields["priority"] |= {"minimum": -1000, "maximum": 1000, "description": "Higher is looked at first; the lower id among equals."}
    required = [] if partial else [name for name in fields if name != "replacement"]
    return {"type": "object", "properties": fields | _RULE_NOTES[kind], "required": required}


_RULE_NOTES: dict[type, Schema] = {
    RoutingRule: {
        "match_json": {
            "type": ["object", "string"],
            "description": "All conditions must hold; {} matches everything. An object, or an object as JSON text.",
            "properties": {
                "contains": {"type": ["string", "array"], "description": "Some word is in the user's text, whatever its case."},
                "metadata_equals": {"type": "object", "additionalProperties": {"type": "string"}},
                "mode": {"type": "string"},
                "task": {"type": "string", "description": "Short for metadata_equals.task."},
            },
        },
        "action_json": {
            "type": ["object", "string"],
            "description": "Actions of several matching rules merge key by key; the earlier rule wins.",
            "properties": {
                "set_provider": {"type": "string"}, "set_model": {"type": "string"}, "set_mode": {"type": "string"},
                "add_warning": {"type": "object", "properties": {"message": {"type": "string"}}},
            },
        },
    },
    FirewallRule: {
        "scope": {"enum": ["prompt", "metadata"], "description": "`response` is not enforced yet and is refused."},
        "pattern": {
            "type": "string", "maxLength": 1000,
            "description": "Text to look for, or an RE2 regex. A bare pattern ignores case; `/…/flags` has only the flags it names.",
        },
        "replacement": {"type": ["string", "null"], "maxLength": 1000, "description": "For `mask`; `[redacted]` when null."},
    },
}

_OPS_ANSWERS: dict[str, Schema] = {
    "/healthz": {"200": {"description": "It does."}},
    "/readyz": {
        status: {"description": text, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Readiness"}}}}
        for status, text in (("200", "They can."), ("503", "Something is missing; the body says what."))
    },
    "/metrics": {"200": {"description": "Prometheus text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
}


def _errors(statuses: list[int], *, rules: bool) -> Schema:
    """An answer for each status, with the codes that it may carry on the routes of rules or on the others."""
    known = [
        (status, code, meaning) for status, _, code, meaning in error_codes()
        if (code in _RULE_CODES or code in _SHARED_CODES if rules else code not in _RULE_CODES)
    ]
    return {
        str(status): {
            "description": " ".join(f"`{code}`: {meaning}" for found, code, meaning in known if found == status),
            "content": {"application/json": {"schema": _ref("Error")}},
        }
        for status in statuses
    }


def _body(schema: Schema) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Schema:
    return {"$ref": _REFS.format(name=name)}

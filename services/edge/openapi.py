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
from libs.contracts.message import RuleTrace, Warning
from libs.contracts.policies import FirewallRule, Learned, RoutingPolicy, RoutingRule
from libs.contracts.reading import Reading
from services.edge.openapi_codes import error_codes
from services.edge.openapi_operations import OPERATIONS, OPS
from services.edge.openapi_parts import REFS, Schema
from services.edge.openapi_rules import rule_operation
from services.edge.openapi_schemas import SCHEMAS

__all__ = ("VERSION", "document", "error_codes", "served")

VERSION = "0.1.0"


@lru_cache(maxsize=1)
def served(app: Litestar) -> bytes:
    """The document as JSON; made at the first request for it."""
    return msgspec.json.encode(document(app))


def document(app: Litestar) -> Schema:
    """The document of an application. Raises KeyError for a route that nothing is known of."""
    rules = (RoutingRule, FirewallRule, RuleTrace, Warning, Candidate, Excluded, Reading, RoutingPolicy, Learned)
    _, types = msgspec.json.schema_components(rules, schema_hook=lambda _: {"description": "Any JSON value."}, ref_template=REFS)
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
        "security": [{"apiKey": []}, {"xApiKey": []}],
        "paths": paths,
        "components": {"securitySchemes": _SECURITY, "schemas": SCHEMAS | {name: types[name] for name in sorted(types)}},
    }


_SECURITY = {
    "apiKey": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer tr_…`"},
    "xApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key, as Anthropic's clients send it."},
}


def _documented(app: Litestar) -> Iterator[tuple[str, str, str]]:
    """(path, method, summary) of each route, under its first prefix only."""
    for route in app.routes:
        path = route.path_format
        if path not in OPS and (not path.startswith("/v1/") or path.startswith("/v1/v1/")):
            continue
        if isinstance(route, ASGIRoute):
            yield path, route.route_handler.opt["method"], route.route_handler.opt["summary"]
        elif isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.summary:
                    yield path, method, handler.summary


def _operation(path: str, method: str, summary: str) -> Schema:
    if path in OPS:
        return {"summary": summary, "operationId": path.strip("/"), "tags": ["operations"], "security": [], "responses": OPS[path]}
    if "-rules" in path and (method, path) not in OPERATIONS:
        return rule_operation(path, method, summary)
    return OPERATIONS[method, path].told(summary)

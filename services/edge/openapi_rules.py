"""The rules' routes in the document: their fields come from the rules' types."""

from typing import Any

import msgspec

from libs.contracts.policies import FirewallRule, RoutingRule
from services.edge.firewall_rule_fields import MOST_EXCEPTIONS, OPTIONAL
from services.edge.openapi_codes import CHANGED_RULE, SHARED, failures
from services.edge.openapi_parts import REFS, Schema, json_answer, json_body, of, parameter, ref
from services.edge.openapi_routing_rules import ACTION, MATCH

_VERBS = {
    ("GET", False): "list", ("POST", False): "create", ("GET", True): "read", ("PATCH", True): "change", ("DELETE", True): "delete",
}


def rule_operation(path: str, method: str, summary: str) -> Schema:
    """One method on the rules of a kind, or on one of them."""
    kind = RoutingRule if "routing" in path else FirewallRule
    one = path.endswith("}")
    operation: Schema = {
        "summary": summary,
        "operationId": f"{_VERBS[method, one]}{kind.__name__}{'' if one or method == 'POST' else 's'}",
        "tags": ["routing rules" if kind is RoutingRule else "firewall rules"],
    }
    if one:
        operation["parameters"] = [parameter("rule_id", "path", of("integer"))]
    codes = SHARED | (frozenset({"not_found"}) if one else frozenset())
    if method != "GET":
        # Somebody else may change the rules at the same time, over and over.
        codes |= {"conflict"}
    if method in ("POST", "PATCH"):
        operation["requestBody"] = json_body(_fields(kind, partial=method == "PATCH"))
        codes |= CHANGED_RULE
    done = json_answer("Done.", _answer(kind, method, one=one))
    return operation | {"responses": {"201" if method == "POST" else "200": done} | failures(codes)}


def _answer(kind: type[Any], method: str, *, one: bool) -> Schema:
    if method == "DELETE":
        return of("object", required=["success"], properties={"success": {"const": True}})
    rule = ref(kind.__name__)
    doubts = {"warnings": of("array", "What may be a slip in the rule.", items=of("string"))} if method in ("POST", "PATCH") else {}
    return of("object", required=["data"], properties={"data": of("array", items=rule) if method == "GET" and not one else rule} | doubts)


def _fields(kind: type[RoutingRule] | type[FirewallRule], *, partial: bool) -> Schema:
    """The fields that a client may send: those of the rule, minus what the router sets."""
    (_,), known = msgspec.json.schema_components([kind], ref_template=REFS)
    ours = ("id", "user_id", "created_at", "updated_at")
    fields = {name: schema for name, schema in known[kind.__name__]["properties"].items() if name not in ours}
    fields["name"] |= {"maxLength": 128, "minLength": 1}
    fields["priority"] |= {"minimum": -1000, "maximum": 1000, "description": "Higher is looked at first; the lower id among equals."}
    required = [] if partial else [name for name in fields if name not in OPTIONAL]
    return {"type": "object", "properties": fields | _NOTES[kind], "required": required}


_NOTES: dict[type, Schema] = {
    RoutingRule: {"match_json": MATCH, "action_json": ACTION},
    FirewallRule: {
        "pattern": {
            "type": "string", "maxLength": 1000,
            "description": "Text to look for; an RE2 regex, where a bare pattern ignores case and `/…/flags` has only the flags it names; or packs "
            "and detectors, separated by commas.",
        },
        "exceptions": {
            "type": ["array", "null"], "items": {"type": "string"}, "maxItems": MOST_EXCEPTIONS,
            "description": "Matches that are none: texts with `*` for anything, compared with the whole match, or `/regex/`, found in it.",
        },
        "observe": {"type": "boolean", "description": "Hits go on record, and nothing else happens."},
        "projects": {"type": ["array", "null"], "items": {"type": "string"}, "description": "Only requests of these; empty: of all."},
        "api_keys": {"type": ["array", "null"], "items": {"type": "string"}, "description": "Only with these keys, by id or name; empty: all."},
        "replacement": {"type": ["string", "null"], "maxLength": 1000, "description": "For `mask`; `[redacted]` when null."},
    },
}

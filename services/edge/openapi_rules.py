"""The rules' routes in the document: their fields come from the rules' types."""

from typing import Any

import msgspec

from libs.contracts.policies import FirewallRule, RoutingRule
from services.edge.openapi_codes import CHANGED_RULE, SHARED, failures
from services.edge.openapi_parts import REFS, Schema, json_answer, json_body, of, parameter, ref

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
    return of("object", required=["data"], properties={"data": of("array", items=rule) if method == "GET" and not one else rule})


def _fields(kind: type[RoutingRule] | type[FirewallRule], *, partial: bool) -> Schema:
    """The fields that a client may send: those of the rule, minus what the router sets."""
    (_,), known = msgspec.json.schema_components([kind], ref_template=REFS)
    ours = ("id", "user_id", "created_at", "updated_at")
    fields = {name: schema for name, schema in known[kind.__name__]["properties"].items() if name not in ours}
    fields["name"] |= {"maxLength": 128, "minLength": 1}
    fields["priority"] |= {"minimum": -1000, "maximum": 1000, "description": "Higher is looked at first; the lower id among equals."}
    required = [] if partial else [name for name in fields if name != "replacement"]
    return {"type": "object", "properties": fields | _NOTES[kind], "required": required}


_NOTES: dict[type, Schema] = {
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
                "split": {
                    "type": "array", "description": "Weighted ways; each request takes one, exactly in proportion over time.",
                    "items": {"type": "object", "required": ["weight"], "properties": {
                        "weight": {"type": "number", "minimum": 0}, **{name: {"type": "string"} for name in ("provider", "model", "mode")},
                    }},
                },
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

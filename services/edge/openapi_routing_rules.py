"""Conditions and actions of routing rules in the document."""

from libs.rules.sticky import FIELDS
from libs.rules.times import DAYS
from services.edge.openapi_parts import Schema, of
from services.edge.routing_actions import (
    LONGEST_TIMEOUT,
    MOST_ATTEMPTS,
    MOST_FALLBACKS,
    MOST_HEADERS,
    MOST_PAIRS,
    MOST_WAYS,
)
from services.edge.routing_conditions import DEEPEST, ENDPOINTS, SCOPES

_TEXTS: Schema = {"type": ["string", "array"], "items": {"type": "string"}}
_STRINGS = of("object", additionalProperties={"type": "string"})
_WAY: Schema = {name: {"type": "string"} for name in ("provider", "model", "mode")}
_MODEL: Schema = {name: {"type": "string"} for name in ("provider", "model")}
_GROUP = of("object", "Conditions, all of which must hold.", minProperties=1)
_TOKENS = of("integer", minimum=0)


def _texts(description: str) -> Schema:
    return _TEXTS | {"description": description}


MATCH: Schema = {
    "type": ["object", "string"],
    "description": "All conditions must hold; {} matches everything. An object, or an object as JSON text. Of a list, one entry must fit.",
    "properties": {
        "contains": _texts("Some word is in the user's text, whatever its case."),
        "regex": _texts("An RE2 pattern is found in the user's text. A bare pattern ignores case; `/…/flags` has only the flags it names."),
        "language": _texts("Language of the user's text, ISO 639-1, such as `de`; `unknown` where it is too short or uncertain."),
        "metadata_equals": _STRINGS,
        "metadata_regex": _STRINGS | {"description": "Every pattern is found in the value of its name."},
        "metadata_exists": _texts("All of these names are in the metadata."),
        "task": _texts("Short for metadata_equals.task."),
        "mode": _texts("balance, cost, quality or latency, and their synonyms."),
        "model": _texts("Globs of what the client asked for: `gpt-*`, `anthropic/*`, `auto:*`."),
        "min_input_tokens": _TOKENS | {"description": "Estimated: four characters a token."},
        "max_input_tokens": _TOKENS,
        "min_output_tokens": _TOKENS | {"description": "What the request asks for at most; 400 where it does not say."},
        "max_output_tokens": _TOKENS,
        "endpoint": _texts(", ".join(ENDPOINTS)),
        **{name: {"type": "boolean"} for name in ("stream", "has_tools", "has_images", "has_files", "has_audio")},
        "api_key": _texts("Id or name of the API key."),
        "project": _texts("Of the API key, else of the request."),
        "user": _texts("`safety_identifier`, `prompt_cache_key` or `user` of the request, the first that is there."),
        "time": of("object", "When the request came; a window over midnight belongs to the day on which it begins.", properties={
            "timezone": of("string", "IANA name; UTC where there is none."), "days": of("array", items={"enum": list(DAYS)}),
            "from": of("string", "09:00"), "to": of("string", "17:00, exclusive"),
            "after": of("string", "A date or a date with a time, ISO 8601."), "before": of("string", "The same, exclusive."),
        }),
        "firewall": {"type": ["boolean", "object"], "description": "What the firewall found: any hit at all, or hits as described.", "properties": {
            "rule": {"type": ["integer", "string"], "description": "Id or name."}, "action": {"enum": ["mask", "warn"]},
            "detector": of("string", "A detector or a pack."), "scope": {"enum": list(SCOPES)}, "min_hits": of("integer", minimum=1),
        }},
        "any": of("array", f"Some of these holds. Groups may be nested {DEEPEST} deep.", items=_GROUP),
        "all": of("array", "All of these hold.", items=_GROUP),
        "not": _GROUP | {"description": "These do not all hold."},
    },
}
ACTION: Schema = {
    "type": ["object", "string"],
    "description": "Actions of several matching rules merge key by key; the stronger rule wins.",
    "properties": {
        "set_provider": {"type": "string"}, "set_model": {"type": "string"}, "set_mode": {"type": "string"},
        "split": {
            "type": "array", "maxItems": MOST_WAYS, "description": "Weighted ways; each request takes one, exactly in proportion over time.",
            "items": {"type": "object", "required": ["weight"], "properties": {"weight": {"type": "number", "minimum": 0}, **_WAY}},
        },
        "sticky": of("string", f"With `split`: the same value always takes the same way. {', '.join(FIELDS)} or metadata.<name>."),
        "fallbacks": of(
            "array", "Tried in this order behind the chosen target, and nothing else.", maxItems=MOST_FALLBACKS,
            items=of("object", properties=_MODEL, minProperties=1),
        ),
        "pin": of("object", "This model and nothing else.", required=["model"], properties=_MODEL),
        "exclude": of("array", "Globs of provider/model that may not serve the request.", items={"type": "string"}),
        "deny": {
            "type": ["boolean", "object"], "description": "Refuse the request: 422 `denied_by_rule`.", "properties": {"message": {"type": "string"}},
        },
        "add_headers": _STRINGS | {"description": "To the request that goes to the provider.", "maxProperties": MOST_HEADERS},
        "add_metadata": _STRINGS | {"description": "Over the client's; in the response and the ledger.", "maxProperties": MOST_PAIRS},
        "set_limits": of("object", properties={
            "max_output_tokens": of("integer", minimum=1), "timeout_seconds": of("number", minimum=0.1, maximum=LONGEST_TIMEOUT),
            "max_attempts": of("integer", minimum=1, maximum=MOST_ATTEMPTS),
            "max_cost_usd": of("number", "Models that are expected to cost more, or whose price is not known, are left out.", minimum=0),
        }),
        "add_warning": of("object", properties={"message": {"type": "string"}}),
    },
}

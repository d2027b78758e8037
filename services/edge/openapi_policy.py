"""The routing policy in the document: its fields come from its type."""

from typing import Any

import msgspec

from libs.contracts.policies import RoutingPolicy
from services.edge.openapi_parts import REFS, Schema, null, of, ref

_NOTES = {
    "allow": "Globs of `provider/model`, such as `openai/*`; an empty list allows all. Case does not count.",
    "deny": "The same; stronger than `allow`.",
    "regions": "Only accounts in these; an account without a region is in none. An empty list allows all.",
    "data_collection": "`deny`: no provider that keeps prompts for its own purposes, or may.",
    "weights": "By mode: what cost, quality and latency count, instead of the mode's own weights. They are scaled to add up to 1.",
    "exploration": "Share of requests that may try a model whose speed is not known; null is the router's setting.",
    "classify": "`false`: prompts are not read, and every request is treated like an average one.",
    "models": "By `provider/model`: what is known better than in the catalog. Rates are US dollars per million tokens as decimal strings.",
    "learning": "Quality as learned from this workspace's feedback counts.",
}


def _fields(*, nullable: bool) -> Schema:
    (_,), known = msgspec.json.schema_components([RoutingPolicy], ref_template=REFS)
    fields: dict[str, Any] = known["RoutingPolicy"]["properties"]
    return {
        name: ({"anyOf": [schema, {"type": "null"}]} if nullable else schema) | {"description": _NOTES[name]} for name, schema in fields.items()
    }


POLICY: dict[str, Schema] = {
    "RoutingPolicyFields": of(
        "object", "Fields of a routing policy; null is a field's default.", properties=_fields(nullable=True), additionalProperties=False,
    ),
    "RoutingPolicyAnswer": of("object", required=["data"], properties={
        "data": of("object", required=["policy", "revision", "learned", "warnings"], properties={
            "policy": of("object", "Every field, defaults included.", required=list(_NOTES), properties=_fields(nullable=False)),
            "revision": of("integer", "Stands in the decisions that were made by it; 0 when nothing was ever settled."),
            "learned": {"anyOf": [
                {"allOf": [ref("Learned"), of("object", required=["in_force"], properties={
                    "in_force": of("boolean", "`learning` is on, so that it counts."),
                })]},
                {"type": "null"},
            ]},
            "warnings": of("array", "What is well-formed and yet may be a slip, such as a model that the catalog does not know.", items=of("string")),
        }),
    }),
    "Success": of("object", required=["success"], properties={"success": {"const": True}}),
    "FamilyQuality": of("object", required=["quality", "figure", "source", "date", "url"], properties={
        "quality": of("number", "Share of a mix of tasks of middling difficulty that the model solves."),
        "figure": null("string", "The published figure that it was made of; null for an estimate or a setting."),
        "source": of("string"), "date": null("string"), "url": null("string"),
    }),
}

"""Small pieces of JSON Schema and OpenAPI that the document is put together from."""

from typing import Any

Schema = dict[str, Any]
REFS = "#/components/schemas/{name}"


def of(kind: str, description: str = "", **more: Any) -> Schema:
    """A value of one type."""
    return {"type": kind, **({"description": description} if description else {}), **more}


def null(kind: str, description: str = "", **more: Any) -> Schema:
    """A field that is always present, null where empty."""
    return {"type": [kind, "null"], **({"description": description} if description else {}), **more}


def ref(name: str) -> Schema:
    """A schema among the components."""
    return {"$ref": REFS.format(name=name)}


def listing(item: Schema, **more: Schema) -> Schema:
    """A list object as OpenAI's API has it."""
    return of("object", required=["object", "data"], properties={"object": {"const": "list"}, "data": of("array", items=item), **more})


def json_answer(description: str, schema: Schema) -> Schema:
    """An answer with a JSON body."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def json_body(schema: Schema, *, required: bool = True) -> Schema:
    """A request's JSON body."""
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def parameter(name: str, where: str, schema: Schema, description: str = "") -> Schema:
    """`where`: path, query or header."""
    told = {"description": description} if description else {}
    return {"name": name, "in": where, "required": where == "path", "schema": schema, **told}


_NAMES = of("array", "Providers, such as `openai`, or models at one, such as `openai/gpt-5-mini`.", items=of("string"))
PREFERENCES: Schema = {
    "type": ["object", "null"],
    "description": "What is wished of the providers, in the form that OpenRouter's clients send. Other fields are named in a warning.",
    "properties": {
        "order": _NAMES | {"description": "Tried first, in this order; entries as in `only`."},
        "only": _NAMES | {"description": f"No others. {_NAMES['description']}"},
        "ignore": _NAMES,
        "allow_fallbacks": of("boolean", "False: nothing but `order`; without `order` nothing but the best candidate."),
        "sort": {"enum": ["price", "throughput", "latency", None], "description": "By this alone instead of by the mode's weights."},
        "max_price": of("object", "US dollars per million tokens. A model whose price is not known is left out.", properties={
            "prompt": of("number", minimum=0), "completion": of("number", minimum=0),
        }),
        "data_collection": {"enum": ["allow", "deny"], "description": "deny: no provider that may keep prompts for its own purposes."},
        "zdr": of("boolean", "The same as `data_collection: deny`."),
    },
}

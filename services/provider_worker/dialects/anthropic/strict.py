"""Which schemas Anthropic is asked to enforce; the client's own are kept where that is less than they say."""

from typing import Any

from services.provider_worker.dialects.anthropic.models import Traits
from services.provider_worker.dialects.anthropic.refusal import cannot
from services.provider_worker.dialects.anthropic.schema import resolved, restricted
from services.provider_worker.dialects.json_schema import BadSchema

Json = dict[str, Any]

FORMAT = ""
"""The key of the output format's schema; the others are tool names."""
# Of all schemas in one request. https://platform.claude.com/docs/en/build-with-claude/structured-outputs
_TOOLS, _OPTIONAL, _UNIONS = 20, 24, 16


class _TooMuch(Exception):
    """More than Anthropic enforces; the message says of what."""


class Strict:
    """One request's schemas, in the order in which they are asked for: what is over the limits is left to the model."""

    def __init__(self, traits: Traits, adapted: list[str]) -> None:
        self.unenforced: dict[str, Json] = {}
        """The client's schemas that the answer still has to be held against."""
        self._traits, self._adapted = traits, adapted
        self._tools = self._optional = self._unions = 0

    def format(self, schema: Json) -> Json:
        """The schema of the output format as Anthropic takes it. Raises ProviderFailure when it takes none."""
        # A forced tool would do for older models, but excludes the request's own tools and thinking; other models can do both.
        if not self._traits.structured:
            raise cannot("structured output on this model", "text.format")
        try:
            return self._enforced(schema, FORMAT, "text.format")
        except (BadSchema, _TooMuch) as bad:
            raise cannot(f"this output format: {bad}", "text.format.schema") from None

    def tool(self, name: str, schema: Json) -> Json | None:
        """The schema of a strict tool as Anthropic takes it; None when the tool goes without."""
        try:
            if not self._traits.structured:
                raise _TooMuch("this model has no strict tools")
            if self._tools == _TOOLS:
                raise _TooMuch(f"Anthropic takes {_TOOLS} strict tools")
            made = self._enforced(schema, name, f"tool {name}")
        except (BadSchema, _TooMuch) as bad:
            self._adapted.append(f"strict was dropped from the tool {name}: {bad}")
            self.unenforced[name] = schema
            return None
        self._tools += 1
        return made

    def _enforced(self, schema: Json, key: str, what: str) -> Json:
        """Takes its share of the limits. Raises BadSchema, and _TooMuch when the schemas before it have left too little."""
        source = resolved(schema)
        optional, unions = _counted(source)
        if self._optional + optional > _OPTIONAL:
            raise _TooMuch(f"Anthropic takes {_OPTIONAL} optional properties in all schemas")
        if self._unions + unions > _UNIONS:
            raise _TooMuch(f"Anthropic takes {_UNIONS} unions in all schemas")
        self._optional += optional
        self._unions += unions
        made, looser = restricted(source, self._adapted, what)
        if looser:
            self.unenforced[key] = schema
        return made


def _counted(schema: Json) -> tuple[int, int]:
    """Properties that are not required, and places that take several types."""
    optional = unions = 0
    pending: list[Any] = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            properties, required = node.get("properties"), node.get("required")
            if isinstance(properties, dict):
                optional += len(properties.keys() - set(required if isinstance(required, list) else ()))
            unions += isinstance(node.get("anyOf", node.get("oneOf")), list) or isinstance(node.get("type"), list)
        if isinstance(node, (dict, list)):
            pending += node.values() if isinstance(node, dict) else node
    return optional, unions

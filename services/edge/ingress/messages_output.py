"""How much to think, the form of the answer, and who asks, in the terms of the Responses API."""

from hashlib import sha256
from typing import Any

from libs.contracts.errors import InvalidRequest
from services.edge.ingress.messages_fields import expect, member

Json = dict[str, Any]

# The most budget tokens of an effort; more is `high`, the most that all reasoning models take.
_BUDGETS = ((4_096, "low"), (12_288, "medium"))
_ADAPTIVE = "high"
"""What Anthropic takes an absent effort for. https://platform.claude.com/docs/en/build-with-claude/effort"""
LONGEST_USER = 64
"""Characters that OpenAI takes; Claude Code sends a JSON object with three ids."""


def reasoning(given: Json) -> Json:
    """`reasoning`, from `thinking` and `output_config.effort`. Raises InvalidRequest."""
    thinking, effort = given.get("thinking") or {}, (given.get("output_config") or {}).get("effort")
    if effort is not None:
        expect(str, effort, "a string such as high", "output_config.effort")
    kind = thinking.get("type")
    if not thinking:
        return {} if effort is None else {"reasoning": {"effort": effort}}
    if kind in ("disabled", "between_tools"):
        return {"reasoning": {"effort": "none"}}
    if kind not in ("enabled", "adaptive"):
        raise InvalidRequest("thinking.type must be enabled, adaptive or disabled.", param="thinking.type")
    made = {"effort": effort or (_ADAPTIVE if kind == "adaptive" else _effort(thinking))}
    # Only when asked for: OpenAI refuses it to organisations that it has not verified.
    return {"reasoning": made | {"summary": "auto"} if thinking.get("display") == "summarized" else made}


def _effort(thinking: Json) -> str:
    budget = member(int, thinking, "budget_tokens", "an integer", "thinking")
    return next((effort for most, effort in _BUDGETS if budget <= most), "high")


def text_format(given: Json) -> Json:
    """`text`, from `output_config.format` or the older `output_format`. Raises InvalidRequest."""
    wanted, where = (given.get("output_config") or {}).get("format"), "output_config.format"
    if wanted is None:
        wanted, where = given.get("output_format"), "output_format"
    if wanted is None:
        return {}
    form: Json = expect(dict, wanted, "an object", where)
    if form.get("type") != "json_schema":
        raise InvalidRequest(f"{where}.type must be json_schema.", param=f"{where}.type")
    schema: Json = member(dict, form, "schema", "a JSON schema object", where)
    return {"text": {"format": {"type": "json_schema", "name": "response", "schema": schema, "strict": is_closed(schema)}}}


def is_closed(schema: Any) -> bool:
    """Whether OpenAI would enforce a schema. It refuses to when an object may leave a property out or have others, which Anthropic's
    may: https://developers.openai.com/api/docs/guides/structured-outputs#supported-schemas"""
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            properties, required = node.get("properties"), node.get("required")
            if isinstance(properties, dict) or node.get("type") == "object":
                names = set(required) if isinstance(required, list) and all(isinstance(name, str) for name in required) else set()
                if node.get("additionalProperties") is not False or names != set(properties or ()):
                    return False
            pending += node.values()
        elif isinstance(node, list):
            pending += node
    return True


def user(given: Json) -> Json:
    """`user`, from `metadata.user_id`, and the pairs beside it, which routing rules may look at. Raises InvalidRequest."""
    pairs = {name: value for name, value in (given.get("metadata") or {}).items() if value is not None}
    made: Json = {}
    if "user_id" in pairs:
        person = expect(str, pairs.pop("user_id"), "a string", "metadata.user_id")
        made["user"] = person if len(person) <= LONGEST_USER else sha256(person.encode()).hexdigest()
    return made | {"metadata": pairs} if pairs else made

"""What differs between the providers that speak Chat Completions."""

import re
from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from services.sandbox.asked import Problem, Usage
from services.sandbox.framing import DONE, Framing

Mistake = Literal[
    "model_missing", "model_unknown", "field_unknown", "temperature", "limit", "limit_field", "temperature_fixed",
    "messages_missing", "messages_empty", "role_unknown", "message_field", "part_unknown", "content_array", "content_missing",
    "call_id", "calls_unanswered", "result_orphan", "role_order", "last_role", "reasoning_missing",
    "tool_shape", "tool_name", "tool_strict", "choice_unknown", "choice_unfound", "choice_thinking", "format_unknown", "json_unnamed",
]  # fmt: skip


class Fault(Struct, frozen=True):
    """How a provider refuses a mistake. Facts of the request stand in braces."""

    message: str
    status: int = 400
    kind: str | None = None
    code: str | None = None
    param: str | None = None


class Provider(Struct, frozen=True, kw_only=True):
    """One provider: first what it takes, then what it says."""

    models: re.Pattern[str]
    listed: tuple[str, ...]
    faults: dict[Mistake, Fault]
    """The mistakes that it refuses; it lets any other pass."""
    fields: frozenset[str]
    message_fields: dict[str, frozenset[str]]
    """By role; the roles are those that it knows."""
    parts: dict[str, frozenset[str]]
    """Types of content parts by role; a role with none takes strings only."""
    sees: re.Pattern[str] = re.compile(r"(?!)")
    """Models that a user may show images, where `parts` has none."""
    follows: dict[str, frozenset[str]] = {}
    """The roles that may follow a role; any, where it has no entry."""
    call_id: re.Pattern[str] = re.compile(r".+", re.DOTALL)
    formats: frozenset[str] = frozenset({"text", "json_object", "json_schema"})
    choices: frozenset[str] = frozenset({"none", "auto", "required"})
    hottest: float = 2.0
    """The highest temperature."""
    fixed: re.Pattern[str] = re.compile(r"(?!)")
    """Models that take one temperature only, and no `max_tokens`."""
    limits: tuple[str, ...] = ("max_tokens",)
    """The fields that limit output tokens, the first one preferred."""
    thinks: Callable[[str, dict[str, Any]], bool]
    """Whether a model thinks on a request."""
    caches: Callable[[dict[str, Any]], bool] = lambda request: True
    """Whether a request may be read from a cache."""

    framing: Framing = DONE
    error: Callable[[Problem], dict[str, Any]]
    headers: Callable[[], dict[str, str]]
    card: Callable[[str], dict[str, Any]]
    """A model in the list of models."""
    new_id: Callable[[], str]
    new_call_id: Callable[[int], str]
    """From the call's number in the answer."""
    always: dict[str, Any] = {}
    """Fields of every answer and chunk."""
    logprobs: bool = True
    """Choices have the field."""
    thoughts: Literal["hidden", "field", "parts"] = "hidden"
    """Where thinking is told: nowhere, in `reasoning_content`, or as parts of the content."""
    silent: str | None = None
    """The content of a message that only calls tools."""
    refuses: bool = False
    """Refusals have a field of their own."""
    typed_calls: bool = True
    """Tool calls say that they are functions."""
    indexed_calls: bool = True
    """Tool calls have their number even where they are not streamed."""
    whole_calls: bool = False
    """Streamed calls come in one piece, with the last chunk."""
    finishes: dict[str, str]
    """`finish_reason` by how an answer stops."""
    breakdown: str | dict[str, Any]
    """The stream's sign of failure: a `finish_reason`, or an event of its own."""
    usage: Callable[[Usage], dict[str, Any]]
    usage_asked: bool = False
    """A stream tells its usage only when asked, in a chunk of its own; else it rides on the last one."""

    def refuse(self, mistake: Mistake, given: Any = None, **facts: object) -> None:
        """Raise Problem in the provider's words, if it refuses this. `given`: the value that is wrong."""
        fault = self.faults.get(mistake)
        if fault is None:
            return
        param = fault.param.format(**facts) if fault.param is not None else None
        raise Problem(fault.status, fault.message.format(**facts), kind=fault.kind, code=fault.code, param=param, details=given)

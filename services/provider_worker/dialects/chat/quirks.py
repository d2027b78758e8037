"""How one server of the Chat Completions API differs from the others, as data."""

from typing import Any, Literal

from msgspec import Struct, field

_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


class Quirks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Read from `[provider.chat]` in providers.toml. The defaults suit a plain server that takes no fields but OpenAI's."""

    path: str = "/chat/completions"
    """Appended to the base URL."""
    extra: dict[str, Any] = {}
    """Fields that every request gets."""
    stream_usage: bool = True
    """`stream_options.include_usage` is taken; without it the server tells usage unasked, or never."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The field for `max_output_tokens`."""
    parameters: frozenset[str] = frozenset(
        {"temperature", "top_p", "stop", "seed", "frequency_penalty", "presence_penalty", "user"}
    )
    """Fields of the request that are passed on as they are; any other is dropped and named in the trace."""
    renamed: dict[str, str] = {}
    """Parameter → the server's name for it, where they differ."""
    max_temperature: float = 2.0
    """Higher ones are lowered to it."""
    max_stops: int = 4
    """Stop strings in one request."""
    logprobs: int = 0
    """The highest `top_logprobs`; 0 for a server that tells no log probabilities, or not in OpenAI's form."""
    unless_reasoning: frozenset[str] = frozenset()
    """Parameters that are refused for models that can reason; `logprobs` may be one of them."""

    developer: bool = False
    """The role `developer` is known; otherwise it is sent as `system`."""
    system_first: bool = False
    """System messages are only taken at the top, as one: many chat templates refuse others."""
    merge_users: bool = False
    """User messages in a row are sent as one: some chat templates want the roles to alternate."""
    bridge_results: bool = False
    """A user message may not follow a tool's result; a short word of the assistant's is put between them."""
    last_assistant: Literal["as_is", "prefix", "continue"] = "as_is"
    """A conversation that ends with the assistant is sent so, marked as a `prefix`, or given a user's "Continue."."""
    call_ids: Literal["any", "nine"] = "any"
    """Ids of tool calls: any of at most 40 characters, or exactly nine letters and digits."""

    images: tuple[str, ...] = ("*",)
    """Patterns of the models that see images; empty for none."""
    files: Literal["none", "file", "document_url"] = "none"
    """The content part for files."""
    audio: Literal["none", "object", "string"] = "none"
    """`input_audio` as OpenAI's object of data and format, or as the data alone."""
    inline: frozenset[Literal["input_image", "input_file"]] = frozenset()
    """Parts whose web addresses the server does not fetch."""

    strict_tools: bool = False
    """`strict` of a function is taken, and enforced."""
    required_word: str = "required"
    """`tool_choice` for "call some tool"; empty when a call cannot be forced."""
    named_choice: bool = True
    """`tool_choice` may name a function; otherwise only that function is sent, with a forced choice."""
    parallel_flag: bool = True
    """`parallel_tool_calls` is taken; otherwise a client that wants one call gets the first of them."""

    formats: frozenset[Literal["json_schema", "json_object"]] = frozenset({"json_schema", "json_object"})
    """Kinds of `response_format`; what is missing is asked for in the system prompt."""
    blank_json: bool = False
    """An answer that is no JSON comes back as blanks, with nothing said about it."""

    effort_field: str = "reasoning_effort"
    """The field for `reasoning.effort`; a dot goes into an object."""
    efforts: dict[str, str] = field(default_factory=_EFFORTS.copy)
    """Effort → the server's word for it; empty when the server takes none."""
    model_efforts: dict[str, dict[str, str]] = {}
    """The same for models that differ, by pattern; the first that matches counts."""
    thinking_on: dict[str, Any] = {}
    """Fields that go with an effort."""
    thinking_off: dict[str, Any] = {}
    """Fields for effort `none` where it is no word of the effort field."""
    thinks_by_default: bool = False
    """Models think when the request says nothing about it."""
    forced_excludes_thinking: bool = False
    """A forced tool choice is refused while the model thinks."""
    ignored_while_thinking: frozenset[str] = frozenset()
    """Parameters without effect while the model thinks; `logprobs` may be one of them."""
    raw_reasoning: bool = True
    """Reasoning comes in the model's own words, not as a summary."""
    replay: Literal["", "reasoning_content", "reasoning", "reasoning_details", "thinking"] = ""
    """Where reasoning goes back on the next turn: a text field of the assistant's message (only in turns with tool calls),
    OpenRouter's list of details, or Mistral's content chunks; empty when it does not."""
    replay_required: bool = False
    """In a turn with tool calls the replay field must be there, empty if need be."""

    embeds: Literal["nothing", "text", "tokens"] = "tokens"
    """What it makes embeddings of: nothing, texts only, or token ids as well."""

    reasoning_apart: bool = False
    """`completion_tokens` excludes the reasoning tokens."""

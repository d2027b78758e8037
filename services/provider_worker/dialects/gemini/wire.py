"""Gemini's answers, whole and in chunks, as far as they are read. Unknown fields pass by unread.

https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
"""

from typing import Any

import msgspec
from msgspec import Struct, field


class UsageSaid(Struct, rename="camel"):
    """Cumulative in a stream; a number that is not told keeps its last value."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None


class FunctionCall(Struct):
    """A call, whole."""

    name: str = ""
    args: msgspec.Raw = msgspec.Raw(b"")
    """As written: its numbers may be larger than any float."""
    id: str | None = None


class Part(Struct, rename="camel"):
    """A part of the model's turn."""

    text: str | None = None
    thought: bool | None = None
    function_call: FunctionCall | None = None
    thought_signature: str | None = None
    thought_signature_snake: str | None = field(default=None, name="thought_signature")
    """The same in the spelling of some gateways."""
    inline_data: Any = None
    executable_code: Any = None
    code_execution_result: Any = None

    @property
    def signature(self) -> str:
        """Opaque; "" when there is none."""
        return self.thought_signature or self.thought_signature_snake or ""


class Content(Struct):
    """The model's turn, or a piece of it."""

    parts: list[Part] | None = None


class Source(Struct):
    """A page that an answer is grounded on."""

    uri: str | None = None
    title: str | None = None


class GroundingChunk(Struct, rename="camel"):
    """A source, by its kind."""

    web: Source | None = None
    maps: Source | None = None
    retrieved_context: Source | None = None


class Segment(Struct, rename="camel"):
    """A piece of the answer, in bytes of its UTF-8."""

    start_index: int | None = None
    end_index: int | None = None


class GroundingSupport(Struct, rename="camel"):
    """What of the answer stands on which sources."""

    segment: Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class GroundingMetadata(Struct, rename="camel"):
    """Sources and what they support."""

    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[GroundingSupport] | None = None


class Citation(Struct, rename="camel"):
    """A known text that the answer recites, in bytes of the answer's UTF-8."""

    start_index: int | None = None
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None


class CitationMetadata(Struct, rename="camel"):
    """All that is recited; Vertex AI says `citations`."""

    citation_sources: list[Citation] | None = None
    citations: list[Citation] | None = None

    @property
    def sources(self) -> list[Citation]:
        """Under whichever name they came."""
        return self.citation_sources or self.citations or []


class ScoredToken(Struct, rename="camel"):
    """A token and the logarithm of its probability."""

    token: str = ""
    log_probability: float | None = None


class TopTokens(Struct, rename="camel"):
    """The likeliest tokens at one place."""

    candidates: list[ScoredToken] | None = None


class LogprobsSaid(Struct, rename="camel"):
    """For each place, the token that was chosen, and the likeliest ones."""

    chosen_candidates: list[ScoredToken] | None = None
    top_candidates: list[TopTokens] | None = None


class Candidate(Struct, rename="camel"):
    """The answer; only one is ever asked for."""

    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    grounding_metadata: GroundingMetadata | None = None
    citation_metadata: CitationMetadata | None = None
    logprobs_result: LogprobsSaid | None = None


class PromptFeedback(Struct, rename="camel"):
    """Why there is no answer."""

    block_reason: str | None = None
    block_reason_message: str | None = None


class Chunk(Struct, rename="camel"):
    """A whole answer, or one event of a stream: they have the same form."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageSaid | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Any = None


decode = msgspec.json.Decoder(Chunk).decode

"""Why a model cannot serve a request: what it would have to drop, or what does not fit into it. Pure."""

from libs.catalog.capabilities import TOOL_TYPES
from libs.catalog.models import Model
from libs.contracts.requests import RequestFacts
from libs.routing.estimate import CHARS_PER_TOKEN

IMAGE_TOKENS = 1000
"""A screenshot, roughly: Gemini counts 1,120 for any image, Claude one for 750 pixels, gpt-4o 765 for 1,024 by 1,024 pixels.
https://ai.google.dev/gemini-api/docs/media-resolution
https://platform.claude.com/docs/en/build-with-claude/vision
https://developers.openai.com/api/docs/guides/images-vision"""

_REASONS = {
    "images": "images are not understood",
    "files": "files are not understood",
    "documents": "of files, only PDF and text are understood",
    "audio": "audio is not understood",
    "tools": "functions cannot be called",
    "structured": "answers cannot be held to a JSON schema",
    "file_ids": "a file_id belongs to openai",
    "google_files": "a file at Google can only be read by gemini",
    "prompts": "a stored prompt belongs to openai",
}


def unfit(model: Model, facts: RequestFacts) -> str | None:
    """The reason in words; None when the model may be asked. A cap above what it can write is no reason: dialects lower it."""
    if facts.embeddings or model.embeds:
        return _other_kind(model, facts)
    if _is_plain(facts) and (not facts.tools or "tools" in model.can):
        return _too_long(model, facts)
    lacking = _asked(facts) - model.can
    return _because(model, lacking, facts) if lacking else _too_long(model, facts)


def _other_kind(model: Model, facts: RequestFacts) -> str | None:
    """Each input of an embeddings request has the window for itself, and nobody counted them one by one: the provider will tell."""
    if facts.embeddings:
        return None if model.embeds else "makes no embeddings"
    return "makes embeddings, and answers nothing"


def _is_plain(facts: RequestFacts) -> bool:
    """Text and functions only, as most requests are: then one look at the model is enough."""
    return not (facts.images or facts.files or facts.audio or facts.builtin_tools or facts.json_schema or facts.prompt_template)


def _asked(facts: RequestFacts) -> set[str]:
    wanted = {
        "images": facts.images, "files": facts.files, "documents": facts.documents, "audio": facts.audio,
        "tools": facts.tools > len(facts.builtin_tools), "structured": facts.json_schema,
        "file_ids": facts.file_ids, "google_files": facts.google_files, "prompts": facts.prompt_template,
    }
    asked = {name for name, is_asked in wanted.items() if is_asked}
    return asked.union(kind if kind in TOOL_TYPES else "other_tools" for kind in facts.builtin_tools)


def _because(model: Model, lacking: set[str], facts: RequestFacts) -> str:
    reasons = [reason for name, reason in _REASONS.items() if name in lacking]
    kinds = sorted({kind for kind in facts.builtin_tools if (kind if kind in TOOL_TYPES else "other_tools") in lacking})
    if kinds:
        where = "are not among this model's tools" if model.provider == "openai" else "exist only at openai"
        reasons.append(f"tools of type {', '.join(kinds)} {where}")
    return "; ".join(reasons)


def _too_long(model: Model, facts: RequestFacts) -> str | None:
    """An estimate that is rather too low: what it lets through, the provider refuses, and a longer model is tried."""
    if model.context_window is None:
        return None
    needed = facts.input_chars // CHARS_PER_TOKEN + facts.images * IMAGE_TOKENS
    if facts.max_output_tokens:
        needed += min(facts.max_output_tokens, model.max_output or facts.max_output_tokens)
    return f"needs about {needed} tokens, has {model.context_window}" if needed > model.context_window else None

"""What models can do beyond plain text, by provider and model id."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

CAPABILITIES: dict[str, str] = {
    "images": "reads images",
    "files": "reads PDF and text files",
    "documents": "reads the files of word processors, spreadsheets and slides",
    "audio": "listens to audio",
    "tools": "calls functions",
    "structured": "keeps to a JSON schema, by itself or held to it by its dialect",
    "reasoning": "can think before it answers",
    "file_ids": "has OpenAI's file storage, whose ids a request may name",
    "google_files": "reads files in Google's storage, and videos at YouTube",
    "prompts": "has OpenAI's stored prompt templates",
    "embeddings": "turns texts into vectors, and answers nothing",
    "other_tools": "takes types of tools that this catalog does not know",
}
"""Name → meaning. The types of built-in tools, such as `web_search`, are capabilities too."""


class _Models(Struct, frozen=True, forbid_unknown_fields=True):
    match: list[str]
    """Globs of model ids."""
    source: str
    has: list[str] = []
    lacks: list[str] = []


class _Provider(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    source: str
    has: list[str]
    models: list[_Models] = []


class _Catalog(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: str
    default: list[str]
    embedders: list[str]
    """Globs of ids in lower case."""
    groups: dict[str, list[str]]
    provider: list[_Provider]


_CATALOG = msgspec.toml.decode((Path(__file__).parent / "capabilities.toml").read_bytes(), type=_Catalog)
AS_OF = _CATALOG.as_of
TOOL_TYPES = frozenset(kind for kinds in _CATALOG.groups.values() for kind in kinds)
"""The types of built-in tools that the catalog knows; `custom` is one."""


def unknown(names: Iterable[str]) -> list[str]:
    """Those that are neither capabilities, nor types of built-in tools, nor groups of them."""
    return [name for name in names if name not in CAPABILITIES and name not in TOOL_TYPES and name not in _CATALOG.groups]


def expanded(names: Iterable[str]) -> frozenset[str]:
    """Groups of tool types taken apart, everything else as it is."""
    return frozenset(one for name in names for one in _CATALOG.groups.get(name, (name,)))


def _known(names: list[str]) -> frozenset[str]:
    if wrong := unknown(names):
        raise ValueError(f"capabilities.toml: no capabilities: {', '.join(wrong)}")
    return expanded(names)


def _entries(provider: _Provider) -> list[tuple[list[str], frozenset[str]]]:
    """Globs with what their models can do, the provider's own list last."""
    own = _known(provider.has)
    return [(one.match, (own | _known(one.has)) - _known(one.lacks)) for one in provider.models] + [(["*"], own)]


_ENTRIES = {provider.id: _entries(provider) for provider in _CATALOG.provider}
_UNLISTED = [(["*"], _known(_CATALOG.default))]
_EMBEDDER = _known(["embeddings"])


@lru_cache(maxsize=4096)
def capabilities(provider: str, model: str) -> frozenset[str]:
    """What a model can do, as far as the catalog knows."""
    if any(fnmatchcase(model.lower(), glob) for glob in _CATALOG.embedders):
        return _EMBEDDER
    # A fine-tuned model, ft:gpt-4o-mini-2024-07-18:acme::abc, can do what its base can.
    base = model.removeprefix("ft:")
    return next(can for globs, can in _ENTRIES.get(provider, _UNLISTED) if any(fnmatchcase(base, glob) for glob in globs))

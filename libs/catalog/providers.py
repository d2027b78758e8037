"""The providers that can be called, as data: which dialect each speaks, where it lives, and its server's peculiarities.

`providers.toml` has the known ones; an operator adds or changes some in a file of the same form, named in
TOKENROUTER_PROVIDERS_FILE.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from libs.catalog.capabilities import unknown
from libs.contracts.health import OfferedModel


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider."""

    id: str
    """Lower case; `{ID}_API_KEY` and so on are its variables."""
    name: str = ""
    """For people; the id when empty."""
    dialect: Literal["openai", "anthropic", "gemini", "chat"] = "chat"
    base_url: str
    """As the provider's own SDK takes it."""
    keyless: bool = False
    """It can be called without a key. In the operator's file that is enough to use it; a known one needs its base URL set."""
    chat_models: list[str] = []
    """Globs of models at an `openai` provider that have Chat Completions only. Where there are any, its other models are asked there
    too for what Responses has no field for, such as stop strings."""
    chat: dict[str, Any] = {}
    """How its Chat Completions differ from OpenAI's; fields of services.provider_worker.dialects.chat.quirks.Quirks."""
    keeps_data: bool = True
    """It keeps prompts for its own purposes, or may."""
    models: list[OfferedModel] = []
    """Models that the catalog does not know."""

    @property
    def prefix(self) -> str:
        """Of its environment variables."""
        return variable_prefix(self.id)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    provider: list[Profile] = []


class BadProviders(Exception):
    """A providers file cannot be used; the message names the place."""


_ID = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")


def variable_prefix(provider: str) -> str:
    """`my-llm` → `MY_LLM`."""
    return provider.upper().replace("-", "_")


@cache
def builtin() -> dict[str, Profile]:
    """The known providers, by id."""
    return _read(Path(__file__).parent / "providers.toml")


def load(path: str) -> dict[str, Profile]:
    """The known providers and those of the operator's file, which go over them; without a path the known ones. Raises
    BadProviders."""
    return builtin() | _read(Path(path)) if path else builtin()


def _read(path: Path) -> dict[str, Profile]:
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise BadProviders(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise BadProviders(f"{path}: {error}") from None
    for profile in found.provider:
        if not _ID.match(profile.id):
            raise BadProviders(f"{path}: provider id {profile.id!r} must be lower-case letters, digits and dashes")
        wrong = unknown([name for model in profile.models for name in (*model.has, *model.lacks)])
        if wrong:
            raise BadProviders(f"{path}: {profile.id} has models with unknown capabilities: {', '.join(wrong)}")
        if not profile.base_url.startswith(("http://", "https://")):
            raise BadProviders(f"{path}: base_url of {profile.id} must begin with http:// or https://")
    return {profile.id: profile for profile in found.provider}

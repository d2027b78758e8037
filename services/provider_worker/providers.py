"""Which dialect speaks to which provider and model."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from libs.catalog.providers import BadProviders, Profile
from services.provider_worker.dialect import Dialect
from services.provider_worker.dialects.anthropic import Anthropic
from services.provider_worker.dialects.chat import Chat
from services.provider_worker.dialects.chat.quirks import Quirks
from services.provider_worker.dialects.gemini import Gemini
from services.provider_worker.dialects.openai import OpenAI
from services.provider_worker.dialects.openai.chat_only import suits_chat

Json = dict[str, Any]


class Providers:
    """The dialects of the providers in use. Raises BadProviders for quirks that no dialect has."""

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self._profiles = profiles
        self._main = {provider: _main(profile) for provider, profile in profiles.items()}
        self._chat = {provider: _chat(profile) for provider, profile in profiles.items() if profile.chat_models}

    def base_url(self, provider: str) -> str:
        """Where a provider lives when nobody says otherwise."""
        return self._profiles[provider].base_url

    def dialect(self, provider: str, model: str, request: Json | None = None, *, reasoning: bool = False) -> Dialect:
        """The dialect for a model and a canonical request. Some models of an OpenAI provider have Chat Completions only; others
        are asked there for what the Responses API has no field for. `reasoning`: the model thinks, so that it takes those fields
        nowhere, and would forget its thoughts in Chat Completions."""
        chat = self._chat.get(provider)
        if chat is None:
            return self._main[provider]
        if any(fnmatchcase(model, pattern) for pattern in self._profiles[provider].chat_models):
            return chat
        return chat if request is not None and not reasoning and suits_chat(request) else self._main[provider]


def _main(profile: Profile) -> Dialect:
    match profile.dialect:
        case "openai":
            return OpenAI()
        case "anthropic":
            return Anthropic()
        case "gemini":
            return Gemini()
    return _chat(profile)


def _chat(profile: Profile) -> Dialect:
    try:
        quirks = msgspec.convert(profile.chat, Quirks)
    except msgspec.ValidationError as error:
        raise BadProviders(f"provider {profile.id}: {error}") from None
    return Chat(profile.id, quirks, profile.name or profile.id)

"""Where each provider is served: base URLs as the providers' own SDKs take them, below the provider's name."""

import re
from urllib.parse import parse_qsl

from msgspec import Struct

from services.sandbox import gemini, messages, responses
from services.sandbox.chat import Chat
from services.sandbox.chat.deepseek import DEEPSEEK
from services.sandbox.chat.mistral import MISTRAL
from services.sandbox.chat.openai import OPENAI
from services.sandbox.dialect import Dialect, Head
from services.sandbox.embeddings import mistral as mistral_embeddings
from services.sandbox.embeddings import openai as openai_embeddings
from services.sandbox.gemini import count as gemini_count
from services.sandbox.gemini import embed as gemini_embed
from services.sandbox.messages import count as messages_count
from services.sandbox.responses import count as responses_count
from services.sandbox.wordless import Wordless


class Route(Struct, frozen=True):
    """One API of one provider. Named groups of `path` are for the dialect."""

    provider: str
    path: str
    listing: str
    dialect: Dialect


_GEMINI_MODELS = r"/gemini/(v1|v1beta)/models"
_GEMINI = r"/gemini/(?P<version>v1|v1beta)/models/(?P<model>[^/:]+):"
ROUTES = (
    Route("openai", r"/openai/v1/responses", r"/openai/v1/models", responses),
    Route("openai", r"/openai/v1/chat/completions", r"/openai/v1/models", Chat(OPENAI)),
    Route(
        "openai", r"/openai/v1/responses/input_tokens", r"/openai/v1/models",
        Wordless(responses, responses_count.read, responses_count.write),
    ),
    Route("openai", r"/openai/v1/embeddings", r"/openai/v1/models", Wordless(Chat(OPENAI), openai_embeddings.read, openai_embeddings.write)),
    Route("anthropic", r"/anthropic/v1/messages", r"/anthropic/v1/models", messages),
    Route(
        "anthropic", r"/anthropic/v1/messages/count_tokens", r"/anthropic/v1/models",
        Wordless(messages, messages_count.read, messages_count.write),
    ),
    Route("gemini", _GEMINI + r"(?P<method>generateContent|streamGenerateContent)", _GEMINI_MODELS, gemini),
    Route("gemini", _GEMINI + r"(?P<method>countTokens)", _GEMINI_MODELS, Wordless(gemini, gemini_count.read, gemini_count.write)),
    Route("gemini", _GEMINI + r"(?P<method>batchEmbedContents)", _GEMINI_MODELS, Wordless(gemini, gemini_embed.read, gemini_embed.write)),
    Route("deepseek", r"/deepseek(/v1)?/chat/completions", r"/deepseek(/v1)?/models", Chat(DEEPSEEK)),
    Route("mistral", r"/mistral/v1/chat/completions", r"/mistral/v1/models", Chat(MISTRAL)),
    Route("mistral", r"/mistral/v1/embeddings", r"/mistral/v1/models", Wordless(Chat(MISTRAL), mistral_embeddings.read, mistral_embeddings.write)),
)  # fmt: skip
PROVIDERS = tuple(dict.fromkeys(route.provider for route in ROUTES))


def answering(path: str) -> tuple[Route, dict[str, str]] | None:
    """The route that answers requests at a path, and the named parts of the path."""
    found = ((route, re.fullmatch(route.path, path)) for route in ROUTES)
    return next(((route, match.groupdict()) for route, match in found if match), None)


def listing(path: str) -> Route | None:
    """The route whose models are listed at a path."""
    return next((route for route in ROUTES if re.fullmatch(route.listing, path)), None)


def nearest(path: str) -> Route:
    """The route whose words say that there is nothing at a path."""
    return next((route for route in ROUTES if path.startswith(f"/{route.provider}/")), ROUTES[0])


def head(path: dict[str, str], query: bytes, headers: list[tuple[bytes, bytes]]) -> Head:
    """The head of a request from its parts as ASGI has them."""
    named = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    return Head(path=path, query=dict(parse_qsl(query.decode("latin-1"))), headers=named)

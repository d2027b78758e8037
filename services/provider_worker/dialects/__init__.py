"""The provider dialects, by provider id. Each is a package with a class that fits services.provider_worker.dialect.Dialect."""

from services.provider_worker.dialect import Dialect
from services.provider_worker.dialects.anthropic import Anthropic
from services.provider_worker.dialects.openai import OpenAI

DIALECTS: dict[str, Dialect] = {"openai": OpenAI(), "anthropic": Anthropic()}

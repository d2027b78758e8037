"""The dialects there are, by provider; a new one is one line here."""

from services.provider_worker.dialect import Dialect
from services.provider_worker.dialects.openai import OpenAI

DIALECTS: dict[str, Dialect] = {
    "openai": OpenAI(),
}

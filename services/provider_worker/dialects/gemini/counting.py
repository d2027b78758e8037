"""Gemini's count of input tokens. https://ai.google.dev/api/tokens#method:-models.counttokens"""

from urllib.parse import unquote

from services.provider_worker.dialect import Upstream
from services.provider_worker.dialects import token_count


def request(answer: Upstream) -> Upstream:
    """The request to count the tokens of the request `answer`, instructions and tools included: for those it has to be whole, and to
    name its model a second time."""
    place = answer.path.rpartition(":")[0]
    model = unquote(place.removeprefix("/v1beta/"))
    return token_count.counting(
        answer, f"{place}:countTokens", {"generateContentRequest": {"model": model, **token_count.fields(answer)}}
    )


def read(body: bytes) -> int:
    """The tokens. Raises ProviderFailure."""
    return token_count.read("Gemini", body, "totalTokens")

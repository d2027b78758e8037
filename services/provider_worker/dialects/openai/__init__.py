"""OpenAI's Responses API: the canonical form itself, so requests and events pass through."""

from collections.abc import Mapping

from services.provider_worker.dialect import Call, Outcome, ProviderFailure, Upstream
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.openai import counting, embeddings
from services.provider_worker.dialects.openai.answer import read
from services.provider_worker.dialects.openai.request import body
from services.provider_worker.dialects.openai.stream import OpenAIReader
from services.provider_worker.dialects.provider_errors import Meaning

# What this model refuses says nothing about the next candidate; nor does state that belongs to another organisation, which the
# next candidate leaves out.
_MODEL_CODES = frozenset({"unsupported_parameter", "unsupported_value", "model_not_available", "invalid_encrypted_content"})
_NO_STATE = "Encrypted content is not supported"
"""Of a model that was taken for one that reasons."""


class OpenAI:
    """https://platform.openai.com/docs/api-reference/responses"""

    inlines: frozenset[str] = frozenset()

    def fetches(self, url: str) -> bool:
        """Every public one."""
        return True

    def build(self, call: Call) -> Upstream:
        """The request minus our own fields, with the provider's model id."""
        content, adapted = body(call)
        return Upstream(path="/responses", content=content, adapted=adapted)

    def authorize(self, key: str) -> dict[str, str]:
        """The bearer header."""
        return {"authorization": f"Bearer {key}"} if key else {}

    def read(self, body: bytes, call: Call) -> Outcome:
        """A whole response. Raises ProviderFailure for an error body and for a failure that another provider may not have."""
        return read(body, call)

    def reader(self, call: Call) -> OpenAIReader:
        """For a streamed response."""
        return OpenAIReader(call)

    def embed(self, call: Call) -> Upstream:
        """The request for embeddings."""
        return embeddings.request(call)

    def embedded(self, body: bytes, call: Call) -> Outcome:
        """The list of embeddings. Raises ProviderFailure for anything else."""
        return embeddings.read(body, call)

    def count(self, call: Call) -> Upstream:
        """The request to count tokens."""
        return counting.request(self.build(call))

    def counted(self, body: bytes, call: Call) -> int:
        """Input tokens. Raises ProviderFailure."""
        return counting.read(body)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailure:
        """https://platform.openai.com/docs/guides/error-codes"""
        said = provider_errors.said(body)
        known = None
        if said.code in _MODEL_CODES or (said.code == "unknown_parameter" and said.param == "n") or said.message.startswith(_NO_STATE):
            known = Meaning("invalid_request", True)
        elif said.code == "model_not_found":
            known = Meaning("model_not_found", True)
        elif said.message.startswith("Item with id"):
            # A 404 that is about the history: reasoning by id alone, which OpenAI has forgotten or never stored.
            known = Meaning("invalid_request", True)
        return provider_errors.failure("OpenAI", status, headers, said, known)

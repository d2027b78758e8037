"""Google's Generative Language API: Gemini by generateContent."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from services.provider_worker.dialect import Call, Outcome, ProviderFailure, Upstream
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.gemini import counting, embeddings
from services.provider_worker.dialects.gemini.answer import AnswerWriter
from services.provider_worker.dialects.gemini.content import google_reads
from services.provider_worker.dialects.gemini.errors import error_failure, http_failure
from services.provider_worker.dialects.gemini.finish import failure
from services.provider_worker.dialects.gemini.refusal import malformed
from services.provider_worker.dialects.gemini.request import RequestWriter
from services.provider_worker.dialects.gemini.stream import GeminiReader
from services.provider_worker.dialects.gemini.wire import decode


class Gemini:
    """https://ai.google.dev/api/generate-content"""

    inlines: frozenset[str] = frozenset({"input_image", "input_file"})

    def fetches(self, url: str) -> bool:
        """Of files at Google, and of videos at YouTube."""
        return google_reads(url)

    def build(self, call: Call) -> Upstream:
        """The request for generateContent. Raises ProviderFailure for what Gemini cannot express."""
        writer = RequestWriter(call)
        try:
            content = writer.write()
        except (TypeError, AttributeError, KeyError) as error:
            raise malformed(f"the request cannot be read: {error}") from None
        model = call.model if "/" in call.model else f"models/{call.model}"
        method = "streamGenerateContent?alt=sse" if call.stream else "generateContent"
        return Upstream(
            path=f"/v1beta/{quote(model)}:{method}", content=content, adapted=writer.adapted, schemas=writer.schemas
        )

    def authorize(self, key: str) -> dict[str, str]:
        """Google's own key header; in the URL the key would end up in logs."""
        return {"x-goog-api-key": key} if key else {}

    def read(self, body: bytes, call: Call) -> Outcome:
        """A whole answer. Raises ProviderFailure for an error body, for an answer that the model broke, and for anything else."""
        try:
            chunk = decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            snippet = provider_errors.said(body).message
            raise ProviderFailure(f"Gemini's answer cannot be read: {snippet}", billing="maybe") from None
        if chunk.error is not None:
            raise error_failure(chunk.error, "none")
        writer = AnswerWriter(call)
        writer.take(chunk)
        if not chunk.candidates and not writer.blocked:
            raise ProviderFailure("Gemini's answer holds neither a candidate nor a reason why there is none", billing="maybe")
        # The client has seen nothing of it.
        broken = failure(writer.finish_reason, writer.complaint())
        if broken is not None:
            raise broken
        writer.finish()
        return writer.outcome()

    def reader(self, call: Call) -> GeminiReader:
        """For a streamed answer."""
        return GeminiReader(call)

    def embed(self, call: Call) -> Upstream:
        """The request for embeddings. Raises ProviderFailure for what Gemini does not embed."""
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
        """An HTTP error, understood."""
        return http_failure(status, headers, body)

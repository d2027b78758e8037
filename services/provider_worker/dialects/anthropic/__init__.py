"""Anthropic's Messages API."""

from collections.abc import Mapping

import msgspec

from services.provider_worker.dialect import Call, Outcome, ProviderFailure, Upstream
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.anthropic import counting
from services.provider_worker.dialects.anthropic.answer import AnswerWriter
from services.provider_worker.dialects.anthropic.errors import error_failure, http_failure
from services.provider_worker.dialects.anthropic.refusal import cannot
from services.provider_worker.dialects.anthropic.request import RequestWriter
from services.provider_worker.dialects.anthropic.stream import AnthropicReader
from services.provider_worker.dialects.anthropic.wire import decode_message

VERSION = "2023-06-01"
"""The version in which older models still take temperature and top_p. https://platform.claude.com/docs/en/api/versioning"""


class Anthropic:
    """https://platform.claude.com/docs/en/api/messages"""

    inlines: frozenset[str] = frozenset()

    def fetches(self, url: str) -> bool:
        """Every public one."""
        return True

    def build(self, call: Call) -> Upstream:
        """The request for /v1/messages. Raises ProviderFailure for what Anthropic cannot express."""
        writer = RequestWriter(call)
        try:
            content = writer.write()
        except (TypeError, AttributeError, KeyError) as error:
            raise cannot(f"a request of this shape ({error})") from None
        headers = {"content-type": "application/json", "anthropic-version": VERSION}
        return Upstream(
            path="/v1/messages", content=content, headers=headers, adapted=writer.adapted, schemas=writer.strict.unenforced
        )

    def authorize(self, key: str) -> dict[str, str]:
        """Anthropic's own key header."""
        return {"x-api-key": key} if key else {}

    def read(self, body: bytes, call: Call) -> Outcome:
        """A whole message. Raises ProviderFailure for an error body and for anything that is not a message."""
        try:
            message = decode_message(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            snippet = provider_errors.said(body).message
            raise ProviderFailure(f"Anthropic's answer is not a message: {snippet}", billing="maybe") from None
        if message.error is not None:
            raise error_failure(message.error, "none")
        if message.type != "message":
            raise ProviderFailure(f"Anthropic's answer is not a message but {message.type or 'untyped'}", billing="maybe")
        writer = AnswerWriter(call)
        writer.provider_id, writer.model = message.id, message.model
        writer.stop_reason, writer.stop_sequence, writer.stop_details = message.stop_reason, message.stop_sequence, message.stop_details
        writer.tell_usage(message.usage)
        for index, block in enumerate(message.content):
            writer.begin_block(index, block)
            writer.end_block(index)
        writer.finish()
        return writer.outcome()

    def reader(self, call: Call) -> AnthropicReader:
        """For a streamed message."""
        return AnthropicReader(call)

    def count(self, call: Call) -> Upstream:
        """The request to count tokens. Raises ProviderFailure for what Anthropic cannot express."""
        return counting.request(self.build(call))

    def counted(self, body: bytes, call: Call) -> int:
        """Input tokens. Raises ProviderFailure."""
        return counting.read(body)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailure:
        """An HTTP error, understood."""
        return http_failure(status, headers, body)

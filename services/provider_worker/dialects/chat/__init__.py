"""The Chat Completions API, as spoken by OpenAI and by everybody who is compatible with it."""

from collections.abc import Mapping

import msgspec

from services.provider_worker.dialect import Call, Outcome, ProviderFailure, Upstream
from services.provider_worker.dialects import embedding_list, provider_errors
from services.provider_worker.dialects.chat import embeddings
from services.provider_worker.dialects.chat.answer import AnswerWriter
from services.provider_worker.dialects.chat.draft import Draft
from services.provider_worker.dialects.chat.errors import error_failure, http_failure
from services.provider_worker.dialects.chat.quirks import Quirks
from services.provider_worker.dialects.chat.request import body
from services.provider_worker.dialects.chat.stream import ChatReader
from services.provider_worker.dialects.chat.wire import Chunk, decode


class Chat:
    """One server. https://platform.openai.com/docs/api-reference/chat"""

    def __init__(self, provider: str, quirks: Quirks, name: str = "") -> None:
        """`provider`: its id, the origin of what is sealed. `name`: what messages call it."""
        self.inlines: frozenset[str] = frozenset(quirks.inline)
        self._provider, self._quirks, self._name = provider, quirks, name or provider.capitalize()

    def fetches(self, url: str) -> bool:
        """None beyond what `inlines` says."""
        return False

    def build(self, call: Call) -> Upstream:
        """The request for chat completions. Raises ProviderFailure for what the server cannot express."""
        draft = Draft(call=call, quirks=self._quirks, provider=self._provider, name=self._name)
        return Upstream(path=self._quirks.path, content=body(draft), adapted=draft.adapted, schemas=draft.schemas)

    def authorize(self, key: str) -> dict[str, str]:
        """The bearer header."""
        return {"authorization": f"Bearer {key}"} if key else {}

    def read(self, body: bytes, call: Call) -> Outcome:
        """A whole completion. Raises ProviderFailure for an error body and for anything that is not a completion."""
        try:
            said = decode(body)
            if said.error is not None or said.object == "error":
                raise error_failure(self._name, provider_errors.said(body), "none")
            return self._outcome(said, call)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            snippet = provider_errors.said(body).message
            raise ProviderFailure(f"{self._name}'s answer is not a completion: {snippet}", billing="maybe") from None

    def reader(self, call: Call) -> ChatReader:
        """For a streamed completion."""
        return ChatReader(call, self._quirks, self._provider, self._name)

    def embed(self, call: Call) -> Upstream:
        """The request for embeddings. Raises ProviderFailure for what the server does not embed."""
        return embeddings.request(call, self._quirks, self._name)

    def embedded(self, body: bytes, call: Call) -> Outcome:
        """The list of embeddings. Raises ProviderFailure for anything else."""
        return embedding_list.read(self._name, body, call)

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailure:
        """An HTTP error, understood."""
        return http_failure(self._name, status, headers, body)

    def _outcome(self, said: Chunk, call: Call) -> Outcome:
        choice = next((choice for choice in said.choices or () if not choice.index), None)
        if choice is not None and choice.error is not None:
            raise error_failure(self._name, provider_errors.said(msgspec.json.encode({"error": choice.error})), "maybe")
        if choice is None or choice.message is None:
            raise ProviderFailure(f"{self._name}'s answer is not a completion: it has no message", billing="maybe")
        writer = AnswerWriter(call, self._quirks, self._provider, self._name)
        writer.begin(said.id, said.model)
        writer.usage_said = said.usage
        writer.take(choice.message, choice.logprobs)
        # A body that came whole has ended, whether or not it says why.
        writer.end(choice.finish_reason or "stop")
        writer.finish()
        return writer.outcome()

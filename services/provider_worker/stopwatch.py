"""Times one call for the routers: how soon the provider began, how fast it wrote, and what it has in its prompt cache now."""

import time

from libs.contracts.requests import Routed
from services.provider_worker.dialect import Outcome
from services.provider_worker.telemetry import Telemetry

NO_ANSWERS = frozenset({"embeddings", "input_tokens", "compact"})
"""Endpoints whose calls say nothing of how fast a model answers: how long they take depends on what is read, or they write a summary
of all that came before."""


class Stopwatch:
    """For one attempt."""

    def __init__(self, telemetry: Telemetry, message: Routed) -> None:
        self._telemetry, self._message = telemetry, message
        self._candidate = message.decision.candidates[message.decision.chosen]
        self._called_at = self._began_at = 0.0

    @property
    def waits(self) -> bool:
        """The first sign of a streamed answer is still to come."""
        return not self._began_at

    def called(self) -> None:
        """The request goes out now."""
        self._called_at = time.time()

    def began(self, at: float) -> None:
        """The first piece of a streamed answer went out, at this Unix time."""
        self._began_at = at
        if self._message.endpoint not in NO_ANSWERS:
            self._telemetry.began(self._candidate, at - self._called_at)

    def ended(self, outcome: Outcome) -> None:
        """The provider's answer is whole."""
        if outcome.status == "failed" or self._message.endpoint in NO_ANSWERS:
            return
        now, usage = time.time(), outcome.usage
        if self._began_at:
            unseen = 0 if _thought_aloud(outcome) else usage.reasoning_tokens
            self._telemetry.wrote(self._candidate, usage.output_tokens - unseen, now - self._began_at)
        else:
            self._telemetry.whole(self._candidate, usage.output_tokens, now - self._called_at)
        if self._message.facts.prefix:
            self._telemetry.cached(self._candidate, self._message.facts.prefix, usage, now)


def _thought_aloud(outcome: Outcome) -> bool:
    """The reasoning stood in the stream, at least as an item without words; otherwise it was over before the first sign."""
    output = outcome.response.get("output") or [{}]
    return bool(output[0].get("type") == "reasoning")

"""Has the prompt read: the request's facts, with what the classifier makes of it."""

from msgspec import structs
from nats.errors import Error as NatsError

from libs.bus.service import Bus
from libs.classifier.classifier import Classifier
from libs.classifier.prompt import prompt_of
from libs.contracts.requests import RequestFacts, Ruled
from libs.routing.policy import Policy

LARGEST = 4 * 1024 * 1024
"""Bytes of a body that is still fetched from the object store to be read. Above it, price and context decide more than the task."""


class Reader:
    """Holds the model. The reading stands in the facts, and the facts in the ledger; nothing of the prompt does."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._classifier = Classifier.load()

    async def read(self, message: Ruled, policy: Policy) -> RequestFacts:
        """The facts with the reading and the name of the conversation's beginning."""
        facts = message.facts
        if facts.embeddings or message.body.size > LARGEST:
            return facts
        try:
            body = await self._bus.claims.fetch(message.body)
        except (NatsError, TimeoutError):
            # Whoever has to have the body will say what is wrong with it.
            return facts
        prompt = prompt_of(body)
        reading = self._classifier.read(prompt, facts.metadata) if policy.given.classify else None
        prefix = f"{message.workspace}:{prompt.prefix}" if prompt.prefix else ""
        return structs.replace(facts, reading=reading, prefix=prefix)

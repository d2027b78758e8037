"""A stream for an answer that came all at once, though a stream was asked for. Pure."""

from libs.contracts.deltas import Event
from libs.responses.builder import ResponseBuilder
from libs.responses.frame import Frame
from libs.responses.replay import item_events
from services.provider_worker.dialect import Outcome


def as_stream(frame: Frame, outcome: Outcome) -> list[Event]:
    """The events up to the terminal one. They add up to the outcome's output as it is, items of every type included."""
    return ResponseBuilder(frame).start() + item_events(outcome.response.get("output") or [])

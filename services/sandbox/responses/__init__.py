"""OpenAI's Responses API."""

from services.sandbox.responses.read import read
from services.sandbox.responses.write import error, events, framing, headers, listing, whole

__all__ = ["error", "events", "framing", "headers", "listing", "read", "whole"]

"""Gemini's generateContent."""

from services.sandbox.gemini.errors import error, headers
from services.sandbox.gemini.read import framing, read
from services.sandbox.gemini.write import events, listing, whole

__all__ = ["error", "events", "framing", "headers", "listing", "read", "whole"]

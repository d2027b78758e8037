"""Anthropic's Messages API."""

from services.sandbox.messages.read import read
from services.sandbox.messages.write import error, events, framing, headers, listing, whole

__all__ = ["error", "events", "framing", "headers", "listing", "read", "whole"]

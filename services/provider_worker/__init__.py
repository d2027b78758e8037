"""Calls the provider in its own dialect and sends the answer back as OpenAI Responses events."""

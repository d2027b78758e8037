"""Reads each client API's requests as Responses requests."""

"""How answers are written for each client API."""

"""The OpenAI Responses dialect: canonical requests, response objects, stream events."""

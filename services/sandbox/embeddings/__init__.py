"""Embeddings of the providers whose API for them is OpenAI's, or nearly."""

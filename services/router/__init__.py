"""Scores the eligible models by price, quality and latency, and sends the request to the best one's worker."""

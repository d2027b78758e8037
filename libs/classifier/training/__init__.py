"""Fits the classifier's model file to recorded outcomes, see docs/routing-quality.md. Not part of any service."""

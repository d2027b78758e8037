"""Prepares the bus once: streams and buckets, the first API key, the vault's key pair."""

"""Routing rules: what a workspace's rules say of a request. Pure; the rules service, previews and backtests evaluate the same way."""

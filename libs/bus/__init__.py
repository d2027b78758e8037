"""The bus as services see it: connect, receive a stage's messages, publish the next, commit ledger rows, watch policies."""

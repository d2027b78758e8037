"""What outlives a request: stored responses, conversations, idempotency keys, background jobs. All of it in JetStream."""

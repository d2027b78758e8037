"""Which model serves a request: one pure function of request, policy and signals."""

"""Which models there are, what they cost, what they can do."""

"""The HTTP edge: takes OpenAI requests, puts them on the bus, and streams the answers back."""

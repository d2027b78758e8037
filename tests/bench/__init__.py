"""What the router costs, measured against a mock provider: `make bench`."""

"""The router's own endpoints, as properties of the clients."""

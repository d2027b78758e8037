"""Runs TokenRouter on one machine: an embedded NATS, and each service as a process of its own. Standard library only."""

"""Seals provider keys so that only provider-workers can open them."""

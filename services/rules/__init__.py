"""Applies the workspace's routing rules to what the firewall passed."""

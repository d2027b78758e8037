"""The firewall's engine: rules compiled once, texts scanned in linear time."""

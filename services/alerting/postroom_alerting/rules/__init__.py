"""Which channels are notified of what, how often, and which others when an incident stays open."""

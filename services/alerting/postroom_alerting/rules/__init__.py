"""Which channels are notified of what, how often, and who is notified when nobody acts."""

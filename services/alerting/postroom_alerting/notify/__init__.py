"""Notifications: what is due on each channel, what it says, and what each channel was last notified of."""

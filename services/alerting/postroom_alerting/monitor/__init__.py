"""Watches the installation: what is wrong with the broker, its queues, providers and the scheduler, while it lasts."""

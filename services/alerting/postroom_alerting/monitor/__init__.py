"""Monitors the installation: broker, queues, providers, scheduler. What is wrong is a condition while it lasts."""

"""Calls other people's APIs: signed webhooks, and fetching of external data."""

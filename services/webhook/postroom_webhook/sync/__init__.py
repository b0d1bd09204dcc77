"""Fetches external data and publishes what changed: sources, pages, ledger, and the life of one sync (syncer)."""

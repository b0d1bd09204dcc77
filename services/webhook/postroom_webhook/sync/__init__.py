"""Fetches external data and publishes what changed: sources, pages, state, and one sync (syncer)."""

"""Groups of failures and conditions as incidents: they open, are resolved, open again, and can be silenced."""

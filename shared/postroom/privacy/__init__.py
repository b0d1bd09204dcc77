"""Hides secrets and personal data in logs, histories and dead letters."""

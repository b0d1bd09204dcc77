"""Remembers what happened: every domain event as a row, and how the jobs fared, minute by minute."""

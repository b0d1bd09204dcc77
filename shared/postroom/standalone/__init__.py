"""Postroom in one process without a broker: for small installations. See docs/schedules.md, "Without a broker"."""

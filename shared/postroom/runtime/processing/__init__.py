"""One try of a message, and what becomes of it."""

"""The programs that are compared: each reads one queue until it stays empty, and prints what it counted."""

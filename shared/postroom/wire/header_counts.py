"""Reads counts of attempts and replays. Postroom wrote them, but anybody may have changed them in the management UI."""

from typing import Any, Final

MOST_COUNTED: Final = 1_000_000
"""Attempts and replays beyond that are no count of ours, and would not fit where they are kept."""


def counted(value: Any) -> int:
    """`value` as a count from 0 to MOST_COUNTED; 0 when it is no number."""
    if value is None:  # as with nearly every message
        return 0
    try:
        return min(max(0, int(value)), MOST_COUNTED)
    except (TypeError, ValueError, OverflowError):
        return 0

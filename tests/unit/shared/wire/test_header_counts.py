"""A count is read from whatever stands in its header."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from postroom.wire.header_counts import MOST_COUNTED, counted


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (None, 0), (0, 0), (4, 4), ("4", 4), (4.9, 4), (Decimal(4), 4), (-7, 0), ("many", 0), ("", 0), ([1], 0),
        ({}, 0), (datetime(2026, 3, 1, tzinfo=UTC), 0), (float("nan"), 0), (float("inf"), 0), (10**30, MOST_COUNTED),
        ("9" * 400, MOST_COUNTED), ("9" * 5000, 0),
    ],
    ids=lambda value: str(value)[:12],
)  # fmt: skip
def test_a_count_is_a_number_from_0_to_what_can_be_kept(value: Any, count: int) -> None:
    assert counted(value) == count

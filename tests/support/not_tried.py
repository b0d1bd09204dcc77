"""The tests that a run skipped, by reason, as lines for its end."""

import textwrap
from collections import Counter
from collections.abc import Iterable
from typing import Any

WIDTH = 100


def lines(skipped: Iterable[Any]) -> list[str]:
    """For the reports of skipped tests: each reason with the number of its tests, most of them first."""
    reasons = Counter(map(_reason, skipped))
    numbers = max(len(str(count)) for count in reasons.values())
    found = []
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        first = f"  {count:{numbers}}  "
        wrapped = textwrap.TextWrapper(WIDTH, first, " " * len(first), break_on_hyphens=False, break_long_words=False)
        found += wrapped.wrap(reason)
    return found


def counted(tests: int) -> str:
    """`1 test`, `2 tests`."""
    return f"{tests} test" if tests == 1 else f"{tests} tests"


def _reason(report: Any) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple | list) else str(report.longrepr)
    return str(reason).removeprefix("Skipped: ")

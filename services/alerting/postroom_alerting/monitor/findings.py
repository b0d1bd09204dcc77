"""What a check has found."""

from collections.abc import Sequence
from dataclasses import dataclass

from postroom_alerting.incidents.conditions import Condition


@dataclass(frozen=True, slots=True)
class Finding:
    """The conditions of one source now; nothing is wrong when there are none.

    A check that cannot tell yet makes no finding, and conditions recorded before stay open.
    """

    source: str
    conditions: Sequence[Condition] = ()


def count_text(number: int, noun: str = "message") -> str:
    """`1 message`, `2 messages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def waiting_text(number: int) -> str:
    """`1 message waits`, `2 messages wait`."""
    return f"{count_text(number)} {'waits' if number == 1 else 'wait'}"

"""Which came first: a try, or an event of a dead letter. One rule, in Python for timelines and in SQL for searches.

The two were recorded by different machines. Within a minute of each other the count of replays decides, whatever their
clocks say: a try came after every replay up to its own count. Otherwise, and without a count, the time decides.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, extract, func, not_, or_

from postroom_audit.events import REPLAYED
from postroom_audit.models import DeadLetterEventRow, TryRow

SKEW = timedelta(minutes=1)
"""By how much the clocks of two machines may differ."""


def is_before(letter: DeadLetterEventRow, each: TryRow) -> bool:
    """Whether the dead letter's event came before this try of the same message in the same queue."""
    if letter.replays is None or abs(letter.at - each.at) > SKEW:
        return letter.at <= each.at
    return each.replays >= letter.replays if letter.what == REPLAYED else each.replays > letter.replays


def before(letter: Any, each: Any) -> ColumnElement[bool]:
    """`is_before` of the columns of two tables."""
    seconds = func.abs(extract("epoch", letter.c.at) - extract("epoch", each.c.at))
    first = case((letter.c.what == REPLAYED, letter.c.replays), else_=letter.c.replays + 1)
    is_near, has_no_count = seconds <= SKEW.total_seconds(), letter.c.replays.is_(None)
    # What is quickly found out stands first.
    by_count = and_(each.c.replays >= first, is_near)
    by_time = and_(letter.c.at <= each.c.at, or_(has_no_count, not_(is_near)))
    return or_(by_count, by_time)

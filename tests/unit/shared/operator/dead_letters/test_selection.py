"""Which dead letters are meant."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from postroom.operator.dead_letters import DeadLetter, QueuedDeadLetter, Selection

DIED = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)


def found(**changes: Any) -> QueuedDeadLetter:
    fields: dict[str, Any] = {
        "queue": "email.send", "kind": "email.send", "message_id": "m-1", "error_type": "MailServersUnavailable",
        "error": "Connection REFUSED by 10.0.0.1", "failed_at": DIED, "death": "", "attempts": 5, "replays": 0,
    }  # fmt: skip
    return QueuedDeadLetter("m-1", DeadLetter(**(fields | changes)), cast("Any", SimpleNamespace()))


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(ids=frozenset({"m-1", "m-2"})),
        Selection(group=found().letter.cause.key),
        Selection(error_type="MailServersUnavailable"),
        Selection(error="connection refused"),
        Selection(kind="email.send"),
        Selection(since=DIED, until=DIED + timedelta(seconds=1)),
        Selection(ids=frozenset({"m-1"}), error="REFUSED", kind="email.send", since=DIED),
    ],
)
def test_what_fits_all_that_is_said_is_meant(selection: Selection) -> None:
    assert selection.takes(found())


@pytest.mark.parametrize(
    "selection",
    [
        Selection(ids=frozenset({"m-2"})),
        Selection(group="0123456789"),
        Selection(error_type="mailserversunavailable"),
        Selection(error="no such user"),
        Selection(kind="sms.send"),
        Selection(since=DIED + timedelta(seconds=1)),
        Selection(until=DIED),
        Selection(ids=frozenset({"m-1"}), kind="sms.send"),
    ],
)
def test_what_misses_one_of_them_is_not(selection: Selection) -> None:
    assert not selection.takes(found())


def test_a_death_without_a_time_is_in_no_span_of_time() -> None:
    assert Selection().takes(found(failed_at=None))
    assert not Selection(until=DIED).takes(found(failed_at=None))

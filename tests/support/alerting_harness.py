"""Alerting's logs on a real database, with a clock that the test sets."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.storage.database import Database
from postroom_alerting.incidents.sql_conditions import SqlConditionLog
from postroom_alerting.intake.failures import FailureSettlement, RecordedFailure
from postroom_alerting.intake.sql_failures import SqlFailureLog
from postroom_alerting.notify.notifications import DueNotification, IncidentUpdate, Reason
from postroom_alerting.notify.sql_notifications import SqlNotificationLog
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_incidents import SqlIncidents
from tests.support.alerting import NOON, make_failure

INTERVAL = timedelta(minutes=15)
LEASE = timedelta(seconds=90)
RULES = Rules(("slack",), INTERVAL, INTERVAL)


@dataclass
class AlertingHarness:
    """The logs of failures, conditions, incidents and notifications, at the time `now`."""

    database: Database
    rules: Rules = RULES
    now: datetime = NOON

    def __post_init__(self) -> None:
        self.use(self.rules)

    def use(self, rules: Rules) -> None:
        self.failures = SqlFailureLog(self.database, rules, clock=lambda: self.now)
        self.conditions = SqlConditionLog(self.database, rules)
        self.incidents = SqlIncidents(self.database, rules)
        self.notifications = SqlNotificationLog(self.database, rules)

    async def die(self, **changes: object) -> RecordedFailure:
        failure = make_failure(failed_at=self.now, **changes)
        assert await self.failures.record(failure)
        return failure

    async def settle(self, failure: RecordedFailure) -> None:
        """It was replayed, and done."""
        await self.failures.settle(FailureSettlement(failure.queue, failure.message_id, replays=failure.replays + 1))

    async def claim(self, channel: str = "slack") -> DueNotification | None:
        return await self.notifications.claim(channel, self.now, lease=LEASE)

    async def sent(self, channel: str = "slack") -> list[tuple[Reason, int]]:
        """Send all that is due: for each incident the reason, and the number of new deaths."""
        return [(update.reason, update.new) for due in await self.sent_notifications(channel) for update in due.updates]

    async def sent_notifications(self, channel: str = "slack") -> list[DueNotification]:
        sent = []
        while (due := await self.claim(channel)) is not None:
            await self.notifications.mark_sent(due, self.now)
            sent.append(due)
        return sent


def only(due: DueNotification | None) -> IncidentUpdate:
    """Its single update."""
    assert due is not None
    [update] = due.updates
    return update

"""An alert log with a database, and the time in the test's hand."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.storage.database import Database
from postroom_alerting.incidents.sql_conditions import SqlConditionLog
from postroom_alerting.incidents.sql_incidents import SqlIncidents
from postroom_alerting.intake.failures import RecordedFailure, Settlement
from postroom_alerting.intake.sql_failures import SqlFailureLog
from postroom_alerting.notify.notifications import Alert, News
from postroom_alerting.notify.sql_notifications import SqlNewsLog
from postroom_alerting.rules.routes import Rules
from tests.support.alerting import NOON, make_failure

INTERVAL = timedelta(minutes=15)
LEASE = timedelta(seconds=90)
RULES = Rules(("slack",), INTERVAL, INTERVAL)


@dataclass
class AlertLog:
    """A database and the time."""

    database: Database
    rules: Rules = RULES
    now: datetime = NOON

    def __post_init__(self) -> None:
        self.use(self.rules)

    def use(self, rules: Rules) -> None:
        self.failures = SqlFailureLog(self.database, rules, clock=lambda: self.now)
        self.conditions = SqlConditionLog(self.database, rules)
        self.incidents = SqlIncidents(self.database, rules)
        self.news = SqlNewsLog(self.database, rules)

    async def die(self, **changes: object) -> RecordedFailure:
        failure = make_failure(failed_at=self.now, **changes)
        assert await self.failures.record(failure)
        return failure

    async def settle(self, failure: RecordedFailure) -> None:
        """It was replayed, and done."""
        await self.failures.settle(Settlement(failure.queue, failure.message_id, replays=failure.replays + 1))

    async def claim(self, channel: str = "slack") -> Alert | None:
        return await self.news.claim(channel, self.now, lease=LEASE)

    async def told(self, channel: str = "slack") -> list[tuple[News, int]]:
        """Tell all that is due; what it was, and how many were new."""
        return [(item.news, item.new) for alert in await self.told_alerts(channel) for item in alert.items]

    async def told_alerts(self, channel: str = "slack") -> list[Alert]:
        alerts = []
        while (alert := await self.claim(channel)) is not None:
            await self.news.told(alert, self.now)
            alerts.append(alert)
        return alerts

"""The composition root of the alerting service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.broker.publishing import Publisher
from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime
from postroom.settings import read_settings
from postroom_alerting.config import links_of, open_desk
from postroom_alerting.incidents.sql_conditions import SqlConditionLog
from postroom_alerting.intake.failures import FailureLog
from postroom_alerting.intake.sql_failures import SqlFailureLog
from postroom_alerting.monitor.assembly import open_watch
from postroom_alerting.notify.dispatcher import Alerts
from postroom_alerting.notify.sql_notifications import SqlNewsLog
from postroom_alerting.settings import AlertingSettings


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers are given."""
    settings = read_settings(AlertingSettings)
    desk = open_desk(settings)
    failures = SqlFailureLog(runtime.database, desk.rules, samples=settings.kept_samples)
    conditions = SqlConditionLog(runtime.database, desk.rules)
    news = SqlNewsLog(runtime.database, desk.rules)
    alerts = Alerts(news, desk.channels, links=links_of(settings, runtime.settings))
    async with alerts.running(), open_watch(runtime, conditions, alerts.wake) as watching:
        yield {FailureLog: failures, Alerts: alerts, Publisher: runtime.publisher, **watching}

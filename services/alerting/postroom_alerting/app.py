"""The composition root of the alerting service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.broker.publishing import Publisher
from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime, run
from postroom.settings import read_settings
from services.alerting.alerts import Alerts
from services.alerting.desk import links_of, open_desk
from services.alerting.failures import FailureLog
from services.alerting.handlers import worker
from services.alerting.settings import AlertingSettings
from services.alerting.sql_conditions import SqlConditionLog
from services.alerting.sql_failures import SqlFailureLog
from services.alerting.sql_news import SqlNewsLog
from services.alerting.watching.opening import open_watch


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


def main() -> None:
    """Serve until told to stop."""
    run(worker, adapters)

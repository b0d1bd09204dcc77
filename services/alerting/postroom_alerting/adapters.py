"""The composition root of the alerting service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.broker.publishing import Publisher
from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime
from postroom.settings import read_settings
from postroom_alerting.config import links_from, open_config
from postroom_alerting.incidents.sql_conditions import SqlConditionLog
from postroom_alerting.intake.failures import FailureLog
from postroom_alerting.intake.sql_failures import SqlFailureLog
from postroom_alerting.monitor.assembly import open_watch
from postroom_alerting.notify.dispatcher import Dispatcher
from postroom_alerting.notify.sql_notifications import SqlNotificationLog
from postroom_alerting.settings import AlertingSettings


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers are given, by port."""
    settings = read_settings(AlertingSettings)
    config = open_config(settings)
    failures = SqlFailureLog(runtime.database, config.rules, samples=settings.kept_samples)
    conditions = SqlConditionLog(runtime.database, config.rules)
    notifications = SqlNotificationLog(runtime.database, config.rules)
    dispatcher = Dispatcher(notifications, config.channels, links=links_from(settings, runtime.settings))
    async with dispatcher.running(), open_watch(runtime, conditions, dispatcher.wake) as watching:
        yield {FailureLog: failures, Dispatcher: dispatcher, Publisher: runtime.publisher, **watching}

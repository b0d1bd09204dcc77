"""The composition root of the alerting service."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from postroom.broker.management import Management
from postroom.broker.publishing import Publisher
from postroom.runtime.assembly import Runtime
from postroom.settings import read_settings
from postroom.worker import Adapters
from postroom_alerting.config import links_from, open_config
from postroom_alerting.incidents.conditions import ConditionLog
from postroom_alerting.incidents.sql_conditions import SqlConditionLog
from postroom_alerting.intake.failures import FailureLog
from postroom_alerting.intake.sql_failures import SqlFailureLog
from postroom_alerting.monitor.heartbeats import HeartbeatLog
from postroom_alerting.monitor.monitor import Monitor
from postroom_alerting.monitor.settings import MonitorSettings
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
    async with dispatcher.running(runtime.give_up), open_monitor(runtime, conditions, dispatcher.wake) as monitoring:
        yield {FailureLog: failures, Dispatcher: dispatcher, Publisher: runtime.publisher, **monitoring}


@asynccontextmanager
async def open_monitor(
    runtime: Runtime, conditions: ConditionLog, on_change: Callable[[], None]
) -> AsyncIterator[Adapters]:
    """Run the monitor, and provide what its listeners need. Without a broker there is nothing to monitor.

    `on_change` is called when a condition has begun or cleared.
    """
    heartbeats = HeartbeatLog(runtime.database)
    settings = read_settings(MonitorSettings)
    if not runtime.has_broker:
        yield {HeartbeatLog: heartbeats}
        return
    with Management.from_settings(runtime.settings) as management:
        monitor = Monitor(
            settings, management, heartbeats, conditions, is_connected=lambda: runtime.publisher.is_connected
        )
        monitor.on_change = on_change
        async with monitor.running(runtime.give_up):
            yield {HeartbeatLog: heartbeats}

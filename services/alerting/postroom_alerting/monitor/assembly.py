"""Puts the watch together."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from postroom.broker.management import Management
from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime
from postroom.settings import read_settings
from postroom.standalone import LocalBroker
from postroom_alerting.incidents.conditions import ConditionLog
from postroom_alerting.monitor.heartbeats import HeardLog
from postroom_alerting.monitor.monitor import Watch
from postroom_alerting.monitor.settings import WatchingSettings


@asynccontextmanager
async def open_watch(
    runtime: Runtime, conditions: ConditionLog, on_change: Callable[[], None]
) -> AsyncIterator[Adapters]:
    """The watch at work, and what its listeners need. Without a broker there is nothing to watch.

    `on_change` is called when something has begun or cleared.
    """
    heard = HeardLog(runtime.database)
    settings = read_settings(WatchingSettings)
    if isinstance(runtime.publisher, LocalBroker):
        yield {HeardLog: heard}
        return
    with Management.from_settings(runtime.settings) as management:
        watch = Watch(settings, management, heard, conditions, is_connected=lambda: runtime.publisher.is_connected)
        watch.on_change = on_change
        async with watch.running():
            yield {HeardLog: heard}

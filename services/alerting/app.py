"""The composition root of the alerting service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.alerting.alerts import Alerts
from services.alerting.channels import open_channels
from services.alerting.failures import FailureLog
from services.alerting.handlers import worker
from services.alerting.settings import AlertingSettings
from services.alerting.sql_failures import SqlFailureLog
from services.alerting.watching.logged import LoggedConditions
from services.alerting.watching.opening import open_watch
from shared.publishing import Publisher
from shared.settings import read_settings
from shared.worker import Adapters
from shared.worker.runtime import Runtime, run


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers are given."""
    settings = read_settings(AlertingSettings)
    failures = SqlFailureLog(runtime.database)
    alerts = Alerts(failures, open_channels(settings), interval=settings.interval)
    async with alerts.running(), open_watch(runtime, LoggedConditions(), alerts.wake) as watching:
        yield {FailureLog: failures, Alerts: alerts, Publisher: runtime.publisher, **watching}


def main() -> None:
    """Serve until told to stop."""
    run(worker, adapters)

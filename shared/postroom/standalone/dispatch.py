"""How a job comes to be done, as JOB_RUNNER says: handed to a broker, or done in one process without one."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.broker.publishing import Publisher, PublishOptions
from postroom.broker.publishing.outgoing import NO_OPTIONS
from postroom.installation import subscriptions
from postroom.runtime.process import EXIT_CONFIGURATION
from postroom.settings import DispatchSettings, JobRunner, RuntimeSettings, read_settings
from postroom.standalone.broker import open_broker
from postroom.standalone.transport import SqlitePublisher
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import Message

__all__ = ["DispatchSettings", "JobDispatcher", "JobRunner", "open_dispatcher", "read_runner"]


def read_runner(program: str = "scheduler") -> JobRunner:
    """What JOB_RUNNER says. Wrong, it ends the program: exit code 78, and a line that says so."""
    try:
        return read_settings(DispatchSettings).runner
    except ConfigurationError as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201 - there are no logs yet
        sys.exit(EXIT_CONFIGURATION)


class JobDispatcher:
    """Hands jobs over; `open_dispatcher` makes the one that JOB_RUNNER asks for."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def dispatch(
        self, job: Message, *, message_id: str | None = None, options: PublishOptions = NO_OPTIONS
    ) -> str:
        """Hand a job or an event over, and return its message id once it is safe. `options.run_at` is its time.

        Raises PublishError. Again with the same `message_id` is safe: the work is done once.
        """
        return await self._publisher.publish(job, message_id=message_id, options=options)


@asynccontextmanager
async def open_dispatcher(settings: RuntimeSettings | None = None) -> AsyncIterator[JobDispatcher]:
    """A dispatcher for a program of yours. With `cron`, what it hands over is done by the scheduler's process."""
    settings = settings or read_settings(RuntimeSettings)
    if read_settings(DispatchSettings).runner is not JobRunner.CRON:
        async with Publisher(settings.amqp_url.get_secret_value()) as publisher:
            yield JobDispatcher(publisher)
        return
    async with open_broker(settings, subscriptions()) as broker:
        publisher = SqlitePublisher(broker, "postroom")
        await publisher.connect()
        yield JobDispatcher(publisher)

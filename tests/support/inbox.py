"""Processes that share an inbox, with a clock that is set by hand."""

from contextlib import AsyncExitStack

from sqlalchemy import text

from postroom.runtime.inbox import Claim, ClaimState, Inbox, Key
from postroom.runtime.inbox.liveness import BEAT, LEASE
from postroom.storage.database import Database

KEY = Key("email.send", "job-1")
LONG = LEASE.total_seconds() + 2 * BEAT.total_seconds()
YOURS, HELD, DONE = Claim(ClaimState.GRANTED), Claim(ClaimState.HELD), Claim(ClaimState.DONE)


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class InboxHarness:
    """Processes that share a service's database, without their timers: each beats when told."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._stack = stack
        self.clock = Clock()

    async def process(self, *, joins: bool = True) -> Inbox:
        """One more, with connections of its own."""
        database = Database(self._url, "test")
        self._stack.push_async_callback(database.close)
        await database.migrate()
        inbox = Inbox(database)
        inbox.liveness._clock = self.clock
        if joins:
            await inbox.liveness.join()
        return inbox

    async def pass_time(self, seconds: float, *beating: Inbox) -> None:
        """Let time pass, in which only these beat."""
        for _ in range(int(seconds / BEAT.total_seconds())):
            self.clock.now += BEAT.total_seconds()
            for inbox in beating:
                await inbox.liveness.beat()


async def listed(inbox: Inbox) -> set[str]:
    rows = await inbox._database.run(lambda connection: connection.execute(text("SELECT holder FROM workers")).all())
    return {row.holder for row in rows}

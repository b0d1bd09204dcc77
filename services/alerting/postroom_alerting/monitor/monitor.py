"""Looks at the installation every few seconds, and tells the log of conditions what it sees."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from postroom.broker.management import Management, ManagementError
from postroom.privacy.redaction import redact
from postroom_alerting.incidents.conditions import Condition, ConditionLog
from postroom_alerting.monitor.broker_nodes import Reachability, nodes
from postroom_alerting.monitor.broker_snapshot import look
from postroom_alerting.monitor.event_reception import Hearing
from postroom_alerting.monitor.findings import Finding
from postroom_alerting.monitor.heartbeats import HeardLog
from postroom_alerting.monitor.metrics import CONDITIONS
from postroom_alerting.monitor.process_checks import circuits, schedulers
from postroom_alerting.monitor.queue_checks import Queues
from postroom_alerting.monitor.settings import WatchingSettings

log = logging.getLogger(__name__)

REFRESH = timedelta(seconds=30)
"""How old the figures of what lasts may be."""

CONFIRM = timedelta(minutes=5)
"""How often it is said that all is well: another process may have left something."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Told:
    at: datetime
    keys: frozenset[str]
    kinds: tuple[str, ...]


class Watch:
    """Watches until it is stopped. Whatever fails is tried again at the next look.

    Args:
        management: the broker's management API, called in threads.
        heard: what processes have told.
        conditions: told of what is seen.
        is_connected: whether events can reach us; while they cannot, nobody's silence means anything.

    Attributes:
        on_change: called when something has begun or cleared, so that people are told at once.
    """

    def __init__(
        self,
        settings: WatchingSettings,
        management: Management,
        heard: HeardLog,
        conditions: ConditionLog,
        *,
        is_connected: Callable[[], bool] = lambda: True,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._settings = settings
        self._management = management
        self._heard = heard
        self._conditions = conditions
        self.on_change: Callable[[], None] = lambda: None
        self._clock = clock
        self._queues = Queues(settings)
        self._reachability = Reachability()
        self._hearing = Hearing(is_connected, clock())
        self._since: dict[str, datetime] = {}  # by condition, while it lasts
        self._told: dict[str, _Told] = {}  # by source
        self._kinds: set[str] = set()  # that were ever told

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch in the background."""
        task = asyncio.create_task(self._keep_watching())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def look(self) -> None:
        """Look once, and tell what is seen."""
        await self._tell(await self._look_at_broker())
        await self._tell(await self._listen())

    async def _keep_watching(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next look comes
                log.warning("This look at the installation failed: %s", redact(f"{type(error).__name__}: {error}"))
            await asyncio.sleep(self._settings.watch_seconds)

    async def _look_at_broker(self) -> list[Finding]:
        try:
            seen = await asyncio.to_thread(look, self._management, self._clock())
        except ManagementError as error:
            failed = self._reachability.failed(error, self._clock())
            return [failed] if failed else []
        self._hearing.saw(seen)
        found = [self._reachability.answered(), nodes(seen), *self._queues.judge(seen)]
        return [*found, *self._queues.ended(seen, await self._conditions.sources())]

    async def _listen(self) -> list[Finding]:
        now = self._clock()
        heard = await self._heard.all(now)
        self._hearing.listened(now)
        since = self._hearing.since
        late_after = timedelta(seconds=self._settings.scheduler_late_seconds)
        return [
            *circuits(heard, now, since, await self._conditions.sources()),
            *schedulers(heard, now, since, late_after),
        ]

    async def _tell(self, findings: Iterable[Finding]) -> None:
        now = self._clock()
        for finding in findings:
            keys = frozenset(condition.key for condition in finding.conditions)
            if self._is_news(finding.source, keys, now):
                await self._conditions.observe(finding.source, self._with_first_times(finding, keys), now)
                before = self._told.get(finding.source)
                if keys != (before.keys if before else frozenset()):
                    self.on_change()
                kinds = tuple(condition.kind for condition in finding.conditions)
                self._told[finding.source] = _Told(now, keys, kinds)
        self._measure()

    def _measure(self) -> None:
        count = Counter(kind for told in self._told.values() for kind in told.kinds)
        self._kinds |= count.keys()
        for kind in self._kinds:
            CONDITIONS.labels(kind).set(count[kind])

    def _with_first_times(self, finding: Finding, keys: frozenset[str]) -> list[Condition]:
        before = self._told.get(finding.source)
        for cleared in before.keys - keys if before else ():
            self._since.pop(cleared, None)
        return [replace(each, since=self._since.setdefault(each.key, each.since)) for each in finding.conditions]

    def _is_news(self, source: str, keys: frozenset[str], now: datetime) -> bool:
        told = self._told.get(source)
        return told is None or told.keys != keys or now - told.at >= (REFRESH if keys else CONFIRM)

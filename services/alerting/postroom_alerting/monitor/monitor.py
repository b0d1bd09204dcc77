"""Polls the broker and the heartbeats every few seconds, and records the conditions that it finds."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from postroom.broker.management import Management, ManagementError
from postroom.runtime.background import in_background
from postroom.runtime.periodic import do_every
from postroom_alerting.incidents.conditions import Condition, ConditionLog
from postroom_alerting.monitor.broker_nodes import ManagementApiCheck, check_nodes
from postroom_alerting.monitor.broker_snapshot import take_snapshot
from postroom_alerting.monitor.event_reception import EventReception
from postroom_alerting.monitor.findings import Finding
from postroom_alerting.monitor.heartbeats import HeartbeatLog
from postroom_alerting.monitor.metrics import CONDITIONS
from postroom_alerting.monitor.process_checks import check_circuits, check_schedulers
from postroom_alerting.monitor.queue_checks import QueueChecks
from postroom_alerting.monitor.settings import MonitorSettings

REFRESH = timedelta(seconds=30)
"""How often a condition that lasts is recorded again, with its present figures."""

CONFIRM = timedelta(minutes=5)
"""How often it is recorded that a source has no conditions: another process may have recorded some."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What was last recorded of a source."""

    at: datetime
    keys: frozenset[str]
    kinds: tuple[str, ...]


class Monitor:
    """Polls until it is stopped. A poll that fails is logged, and the next one follows.

    Args:
        management: the broker's management API, called in threads.
        heartbeats: what other processes have sent.
        conditions: records what is found.
        is_connected: whether events can reach us; while they cannot, a missing heartbeat means nothing.

    Attributes:
        on_change: called when a condition has begun or cleared, so that people are notified at once.
    """

    def __init__(
        self,
        settings: MonitorSettings,
        management: Management,
        heartbeats: HeartbeatLog,
        conditions: ConditionLog,
        *,
        is_connected: Callable[[], bool] = lambda: True,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._settings = settings
        self._management = management
        self._heartbeats = heartbeats
        self._conditions = conditions
        self.on_change: Callable[[], None] = lambda: None
        self._clock = clock
        self._queue_checks = QueueChecks(settings)
        self._management_check = ManagementApiCheck()
        self._reception = EventReception(is_connected, clock())
        self._since: dict[str, datetime] = {}  # by key of a condition, while it lasts
        self._recorded: dict[str, _Recorded] = {}  # by source
        self._kinds: set[str] = set()  # of all conditions that were ever recorded

    @asynccontextmanager
    async def running(self, give_up: Callable[[], None]) -> AsyncIterator[None]:
        """Poll in the background. `give_up` is called when that ends by itself, see in_background."""
        async with AsyncExitStack() as stack:
            in_background(stack, self._keep_polling(), give_up)
            yield

    async def poll(self) -> None:
        """Poll once, and record what is found."""
        await self._record(await self._check_broker())
        await self._record(await self._check_processes())

    async def _keep_polling(self) -> None:
        await do_every(timedelta(seconds=self._settings.watch_seconds), self.poll, "Polling the installation")

    async def _check_broker(self) -> list[Finding]:
        try:
            snapshot = await asyncio.to_thread(take_snapshot, self._management, self._clock())
        except ManagementError as error:
            failed = self._management_check.failed(error, self._clock())
            return [failed] if failed else []
        self._reception.note_alarms(snapshot)
        found = [self._management_check.answered(), check_nodes(snapshot), *self._queue_checks.check(snapshot)]
        return [*found, *self._queue_checks.ended(snapshot, await self._conditions.sources())]

    async def _check_processes(self) -> list[Finding]:
        now = self._clock()
        heartbeats = await self._heartbeats.all(now)
        self._reception.note_read(now)
        complete_since = self._reception.complete_since
        late_after = timedelta(seconds=self._settings.scheduler_late_seconds)
        return [
            *check_circuits(heartbeats, now, complete_since, await self._conditions.sources()),
            *check_schedulers(heartbeats, now, complete_since, late_after),
        ]

    async def _record(self, findings: Iterable[Finding]) -> None:
        now = self._clock()
        for finding in findings:
            keys = frozenset(condition.key for condition in finding.conditions)
            if self._is_to_be_recorded(finding.source, keys, now):
                await self._conditions.observe(finding.source, self._with_first_times(finding, keys), now)
                before = self._recorded.get(finding.source)
                if keys != (before.keys if before else frozenset()):
                    self.on_change()
                kinds = tuple(condition.kind for condition in finding.conditions)
                self._recorded[finding.source] = _Recorded(now, keys, kinds)
        self._measure()

    def _measure(self) -> None:
        count = Counter(kind for recorded in self._recorded.values() for kind in recorded.kinds)
        self._kinds |= count.keys()
        for kind in self._kinds:
            CONDITIONS.labels(kind).set(count[kind])

    def _with_first_times(self, finding: Finding, keys: frozenset[str]) -> list[Condition]:
        before = self._recorded.get(finding.source)
        for cleared in before.keys - keys if before else ():
            self._since.pop(cleared, None)
        return [replace(each, since=self._since.setdefault(each.key, each.since)) for each in finding.conditions]

    def _is_to_be_recorded(self, source: str, keys: frozenset[str], now: datetime) -> bool:
        last = self._recorded.get(source)
        return last is None or last.keys != keys or now - last.at >= (REFRESH if keys else CONFIRM)

"""Heartbeats in a real database, and a monitor that sees nothing else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from postroom.broker.management import Management, ManagementUnavailable, NodeInfo, QueueInfo
from postroom.testing import FrozenClock
from postroom.wire.messages import CircuitClosed, CircuitOpened, SchedulerMeasured
from postroom_alerting.monitor.heartbeats import HeartbeatLog
from postroom_alerting.monitor.monitor import Monitor
from postroom_alerting.monitor.settings import MonitorSettings
from tests.support.conditions import RecordingConditions
from tests.support.databases import service_database

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def heartbeats(database_url: str) -> AsyncIterator[HeartbeatLog]:
    database = service_database(database_url, "alerting")
    await database.migrate()
    yield HeartbeatLog(database)
    await database.close()


def opened(since: datetime = NOON, reason: str = "refused", instance: str = "a") -> CircuitOpened:
    return CircuitOpened(service="email", instance=instance, reason=reason, since=since)


def closed(since: datetime = NOON) -> CircuitClosed:
    return CircuitClosed(service="email", instance="a", since=since, at=since + MINUTE)


def measured(instance: str = "s") -> SchedulerMeasured:
    return SchedulerMeasured(instance=instance, at=NOON, late_seconds=0, due=0)


def nobody() -> Management:
    """A management API that does not answer."""
    return Management("http://127.0.0.1:1", "guest", "guest")


class FakeBroker(Management):
    """The management API of a broker without queues; answers while it is not away."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", "guest", "guest")
        self.alarms: tuple[str, ...] = ()
        self.is_away = False

    def version(self) -> str:
        if self.is_away:
            raise ManagementUnavailable("no management API")
        return "4.3.6"

    def nodes(self) -> list[NodeInfo]:
        return [NodeInfo("rabbit@a", True, self.alarms)]

    def queues(self) -> list[QueueInfo]:
        return []


async def test_heartbeats_of_one_process_are_one_row_with_the_last_reason(heartbeats: HeartbeatLog) -> None:
    await heartbeats.opened(opened(), NOON)
    await heartbeats.opened(opened(reason="timed out"), NOON + MINUTE)
    await heartbeats.opened(opened(instance="b"), NOON)

    stored = {each.instance: each for each in await heartbeats.all(NOON + MINUTE)}
    assert stored.keys() == {"a", "b"}
    assert (stored["a"].reason, stored["a"].since, stored["a"].received_at) == ("timed out", NOON, NOON + MINUTE)


@pytest.mark.parametrize("late", [opened(), opened(NOON - MINUTE)])
async def test_an_opening_that_arrives_after_its_closing_changes_nothing(
    heartbeats: HeartbeatLog, late: CircuitOpened
) -> None:
    await heartbeats.opened(opened(), NOON)
    await heartbeats.closed(closed(), NOON)
    await heartbeats.opened(late, NOON)

    [stored] = await heartbeats.all(NOON)
    assert not stored.is_open


async def test_a_closing_that_arrives_after_the_next_opening_changes_nothing(heartbeats: HeartbeatLog) -> None:
    await heartbeats.opened(opened(NOON + MINUTE), NOON)
    await heartbeats.closed(closed(NOON), NOON)

    [stored] = await heartbeats.all(NOON)
    assert stored.is_open


async def test_older_figures_of_a_scheduler_change_nothing(heartbeats: HeartbeatLog) -> None:
    for at, late in ((NOON, 30), (NOON - MINUTE, 0)):
        await heartbeats.measured(SchedulerMeasured(instance="s", at=at, late_seconds=late, due=1), NOON)

    [stored] = await heartbeats.all(NOON)
    assert stored.late_seconds == 30


async def test_a_heartbeat_that_is_a_day_old_is_deleted(heartbeats: HeartbeatLog) -> None:
    await heartbeats.opened(opened(), NOON)

    assert await heartbeats.all(NOON + timedelta(hours=23))
    assert await heartbeats.all(NOON + timedelta(hours=25)) == []


async def test_the_scheduler_with_the_latest_heartbeat_is_missed_however_long_ago_that_was(
    heartbeats: HeartbeatLog,
) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heartbeats.measured(measured(instance="old"), NOON - timedelta(hours=1))
    await heartbeats.measured(measured(instance="new"), NOON)
    with nobody() as management:
        monitor = Monitor(MonitorSettings(), management, heartbeats, conditions, clock=clock)
        for _ in range(30):
            clock.advance(timedelta(hours=1))
            for _ in range(4):
                clock.advance(MINUTE)
                await monitor.poll()

    assert "heartbeat for 32 h" in conditions.sees("scheduler-silent").text
    assert [each.instance for each in await heartbeats.all(clock())] == ["new"]


async def test_a_missing_heartbeat_means_nothing_while_the_broker_is_in_an_alarm(heartbeats: HeartbeatLog) -> None:
    clock, conditions, broker = FrozenClock(NOON), RecordingConditions(), FakeBroker()
    await heartbeats.opened(opened(), NOON)
    await heartbeats.measured(measured(), NOON)
    monitor = Monitor(MonitorSettings(), broker, heartbeats, conditions, clock=clock)

    async def polls(minutes: int) -> set[str]:
        for _ in range(minutes):
            clock.advance(MINUTE)
            await monitor.poll()
        return set(conditions.lasting)

    broker.alarms = ("disk",)
    assert await polls(10) == {"circuit-open email", "broker-alarm rabbit@a disk"}
    broker.is_away = True
    assert "circuit-open email" in await polls(10)  # nobody has seen the alarm end
    broker.is_away, broker.alarms = False, ()
    assert await polls(2) == {"circuit-open email"}  # not enough time for a heartbeat
    assert await polls(1) == {"scheduler-silent"}


async def test_a_missing_heartbeat_counts_although_the_management_api_does_not_answer(heartbeats: HeartbeatLog) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heartbeats.opened(opened(), NOON)
    await heartbeats.measured(measured(), NOON)
    with nobody() as management:
        monitor = Monitor(MonitorSettings(), management, heartbeats, conditions, clock=clock)
        for _ in range(4):
            clock.advance(MINUTE)
            await monitor.poll()

    assert conditions.lasting.keys() == {"scheduler-silent", "management-unreachable"}


async def test_a_missing_heartbeat_means_nothing_while_the_database_could_not_store_it(
    heartbeats: HeartbeatLog,
) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heartbeats.opened(opened(), NOON)
    monitor = Monitor(MonitorSettings(), FakeBroker(), heartbeats, conditions, clock=clock)
    await monitor.poll()

    clock.advance(10 * MINUTE)  # no poll could be finished
    for _ in range(3):
        await monitor.poll()
        assert conditions.lasting.keys() == {"circuit-open email"}
        clock.advance(MINUTE)
    await monitor.poll()
    assert conditions.lasting.keys() == set()


async def test_a_circuit_that_was_open_before_alerting_was_away_for_days_clears(heartbeats: HeartbeatLog) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heartbeats.opened(opened(), NOON)
    await Monitor(MonitorSettings(), FakeBroker(), heartbeats, conditions, clock=clock).poll()
    assert conditions.lasting.keys() == {"circuit-open email"}

    clock.advance(timedelta(days=2))
    monitor = Monitor(MonitorSettings(), FakeBroker(), heartbeats, conditions, clock=clock)
    await monitor.poll()
    assert conditions.lasting.keys() == {"circuit-open email"}
    for _ in range(3):
        clock.advance(MINUTE)
        await monitor.poll()
    assert conditions.lasting.keys() == set()


async def test_what_cannot_be_seen_stays_as_it_was(heartbeats: HeartbeatLog) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heartbeats.opened(opened(), NOON)
    await heartbeats.measured(measured(), NOON)
    with nobody() as management:
        monitor = Monitor(
            MonitorSettings(), management, heartbeats, conditions, is_connected=lambda: False, clock=clock
        )
        await monitor.poll()
        assert conditions.lasting.keys() == {"circuit-open email"}

        for _ in range(10):  # a missing heartbeat means nothing while the broker is away
            clock.advance(MINUTE)
            await monitor.poll()

    assert conditions.lasting.keys() == {"circuit-open email", "management-unreachable"}
    sources = {source for source, _keys in conditions.observed}
    assert sources == {"circuit-open email", "scheduler-silent", "scheduler-late", "management-unreachable"}
    assert conditions.sees("management-unreachable").since == NOON


async def test_the_dispatcher_is_woken_when_a_condition_begins_and_when_it_clears(heartbeats: HeartbeatLog) -> None:
    clock, woken = FrozenClock(NOON), 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    with nobody() as management:
        monitor = Monitor(MonitorSettings(), management, heartbeats, RecordingConditions(), clock=clock)
        monitor.on_change = wake
        await monitor.poll()
        assert woken == 0
        await heartbeats.opened(opened(), NOON)
        await monitor.poll()
        assert woken == 1
        await monitor.poll()
        assert woken == 1
        await heartbeats.closed(closed(), NOON)
        await monitor.poll()
        assert woken == 2


async def test_a_condition_that_lasts_is_recorded_again_twice_a_minute_and_not_at_each_poll(
    heartbeats: HeartbeatLog,
) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heartbeats.opened(opened(), NOON)
    with nobody() as management:
        monitor = Monitor(MonitorSettings(), management, heartbeats, conditions, clock=clock)
        for _ in range(31):
            await monitor.poll()
            clock.advance(timedelta(seconds=2))

    assert [source for source, keys in conditions.observed].count("circuit-open email") == 3
    assert conditions.sees("circuit-open email").since == NOON

"""What processes tell of themselves, kept in a real database, and a watch that can see nothing else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from postroom.broker.management import Management, ManagementUnavailable, NodeInfo, QueueInfo
from postroom.testing import FrozenClock
from postroom.wire.messages import CircuitClosed, CircuitOpened, SchedulerMeasured
from postroom_alerting.monitor.heartbeats import HeardLog
from postroom_alerting.monitor.monitor import Watch
from postroom_alerting.monitor.settings import WatchingSettings
from tests.support.conditions import RecordingConditions
from tests.support.databases import service_database

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def heard(database_url: str) -> AsyncIterator[HeardLog]:
    database = service_database(database_url, "alerting")
    await database.migrate()
    yield HeardLog(database)
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


async def test_what_is_told_again_is_one_row_with_the_last_reason(heard: HeardLog) -> None:
    await heard.opened(opened(), NOON)
    await heard.opened(opened(reason="timed out"), NOON + MINUTE)
    await heard.opened(opened(instance="b"), NOON)

    told = {each.instance: each for each in await heard.all(NOON + MINUTE)}
    assert told.keys() == {"a", "b"}
    assert (told["a"].reason, told["a"].since, told["a"].heard_at) == ("timed out", NOON, NOON + MINUTE)


@pytest.mark.parametrize("late", [opened(), opened(NOON - MINUTE)])
async def test_an_opening_that_arrives_after_its_closing_changes_nothing(heard: HeardLog, late: CircuitOpened) -> None:
    await heard.opened(opened(), NOON)
    await heard.closed(closed(), NOON)
    await heard.opened(late, NOON)

    [told] = await heard.all(NOON)
    assert not told.is_open


async def test_a_closing_that_arrives_after_the_next_opening_changes_nothing(heard: HeardLog) -> None:
    await heard.opened(opened(NOON + MINUTE), NOON)
    await heard.closed(closed(NOON), NOON)

    [told] = await heard.all(NOON)
    assert told.is_open


async def test_older_figures_of_a_scheduler_change_nothing(heard: HeardLog) -> None:
    for at, late in ((NOON, 30), (NOON - MINUTE, 0)):
        await heard.measured(SchedulerMeasured(instance="s", at=at, late_seconds=late, due=1), NOON)

    [told] = await heard.all(NOON)
    assert told.late_seconds == 30


async def test_who_was_silent_for_a_day_is_forgotten(heard: HeardLog) -> None:
    await heard.opened(opened(), NOON)

    assert await heard.all(NOON + timedelta(hours=23))
    assert await heard.all(NOON + timedelta(hours=25)) == []


async def test_the_scheduler_that_was_heard_last_is_missed_however_long_it_has_been_silent(heard: HeardLog) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heard.measured(measured(instance="old"), NOON - timedelta(hours=1))
    await heard.measured(measured(instance="new"), NOON)
    with nobody() as management:
        watch = Watch(WatchingSettings(), management, heard, conditions, clock=clock)
        for _ in range(30):
            clock.advance(timedelta(hours=1))
            for _ in range(4):
                clock.advance(MINUTE)
                await watch.look()

    assert "heard for 32 h" in conditions.sees("scheduler-silent").text
    assert [each.instance for each in await heard.all(clock())] == ["new"]


async def test_silence_means_nothing_while_the_broker_is_in_an_alarm(heard: HeardLog) -> None:
    clock, conditions, broker = FrozenClock(NOON), RecordingConditions(), FakeBroker()
    await heard.opened(opened(), NOON)
    await heard.measured(measured(), NOON)
    watch = Watch(WatchingSettings(), broker, heard, conditions, clock=clock)

    async def looks(minutes: int) -> set[str]:
        for _ in range(minutes):
            clock.advance(MINUTE)
            await watch.look()
        return set(conditions.lasting)

    broker.alarms = ("disk",)
    assert await looks(10) == {"circuit-open email", "broker-alarm rabbit@a disk"}
    broker.is_away = True
    assert "circuit-open email" in await looks(10)  # nobody has seen the alarm end
    broker.is_away, broker.alarms = False, ()
    assert await looks(2) == {"circuit-open email"}  # they have not had the time to tell
    assert await looks(1) == {"scheduler-silent"}


async def test_silence_counts_although_the_management_api_does_not_answer(heard: HeardLog) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heard.opened(opened(), NOON)
    await heard.measured(measured(), NOON)
    with nobody() as management:
        watch = Watch(WatchingSettings(), management, heard, conditions, clock=clock)
        for _ in range(4):
            clock.advance(MINUTE)
            await watch.look()

    assert conditions.lasting.keys() == {"scheduler-silent", "management-unreachable"}


async def test_silence_means_nothing_while_the_database_could_not_keep_what_was_told(heard: HeardLog) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heard.opened(opened(), NOON)
    watch = Watch(WatchingSettings(), FakeBroker(), heard, conditions, clock=clock)
    await watch.look()

    clock.advance(10 * MINUTE)  # no look could be finished
    for _ in range(3):
        await watch.look()
        assert conditions.lasting.keys() == {"circuit-open email"}
        clock.advance(MINUTE)
    await watch.look()
    assert conditions.lasting.keys() == set()


async def test_a_circuit_that_was_open_before_alerting_was_away_for_days_clears(heard: HeardLog) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heard.opened(opened(), NOON)
    await Watch(WatchingSettings(), FakeBroker(), heard, conditions, clock=clock).look()
    assert conditions.lasting.keys() == {"circuit-open email"}

    clock.advance(timedelta(days=2))
    watch = Watch(WatchingSettings(), FakeBroker(), heard, conditions, clock=clock)
    await watch.look()
    assert conditions.lasting.keys() == {"circuit-open email"}
    for _ in range(3):
        clock.advance(MINUTE)
        await watch.look()
    assert conditions.lasting.keys() == set()


async def test_what_cannot_be_seen_stays_as_it_was(heard: HeardLog) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heard.opened(opened(), NOON)
    await heard.measured(measured(), NOON)
    with nobody() as management:
        watch = Watch(WatchingSettings(), management, heard, conditions, is_connected=lambda: False, clock=clock)
        await watch.look()
        assert conditions.lasting.keys() == {"circuit-open email"}

        for _ in range(10):  # silence means nothing while the broker is away
            clock.advance(MINUTE)
            await watch.look()

    assert conditions.lasting.keys() == {"circuit-open email", "management-unreachable"}
    sources = {source for source, _keys in conditions.observed}
    assert sources == {"circuit-open email", "scheduler-silent", "scheduler-late", "management-unreachable"}
    assert conditions.sees("management-unreachable").since == NOON


async def test_people_are_told_at_once_when_something_begins_and_when_it_clears(heard: HeardLog) -> None:
    clock, woken = FrozenClock(NOON), 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    with nobody() as management:
        watch = Watch(WatchingSettings(), management, heard, RecordingConditions(), clock=clock)
        watch.on_change = wake
        await watch.look()
        assert woken == 0
        await heard.opened(opened(), NOON)
        await watch.look()
        assert woken == 1
        await watch.look()
        assert woken == 1
        await heard.closed(closed(), NOON)
        await watch.look()
        assert woken == 2


async def test_what_lasts_is_brought_up_to_date_twice_a_minute_and_not_at_each_look(heard: HeardLog) -> None:
    clock, conditions = FrozenClock(NOON), RecordingConditions()
    await heard.opened(opened(), NOON)
    with nobody() as management:
        watch = Watch(WatchingSettings(), management, heard, conditions, clock=clock)
        for _ in range(31):
            await watch.look()
            clock.advance(timedelta(seconds=2))

    assert [source for source, keys in conditions.observed].count("circuit-open email") == 3
    assert conditions.sees("circuit-open email").since == NOON

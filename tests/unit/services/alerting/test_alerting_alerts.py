"""One notification per cause, channel and interval."""

import asyncio
from datetime import timedelta

import pytest

from services.alerting.alerts import FIRST_PAUSE, LEASE, LONGEST_PAUSE, NOTIFY_LIMIT, Alerts
from services.alerting.notifier import Notice
from shared.testing import eventually
from tests.support.alerting import NOON, InMemoryFailureLog, RecordingNotifier, make_failure

INTERVAL = timedelta(minutes=15)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> object:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failures() -> InMemoryFailureLog:
    return InMemoryFailureLog()


def make_alerts(failures: InMemoryFailureLog, clock: Clock, *notifiers: RecordingNotifier) -> Alerts:
    return Alerts(failures, notifiers, interval=INTERVAL, clock=clock)


async def test_the_first_death_is_told_at_once_and_the_next_only_after_the_interval(
    failures: InMemoryFailureLog, clock: Clock
) -> None:
    notifier = RecordingNotifier()
    alerts = make_alerts(failures, clock, notifier)

    for minute in range(31):
        clock.now = NOON + timedelta(minutes=minute)
        await failures.record(make_failure(), alerts.channels)
        await alerts.tell_due(notifier)

    titles = [notice.title.partition(", ")[2] for notice in notifier.notices]
    assert titles == ["1 message", "15 more messages", "15 more messages"]


async def test_causes_do_not_wait_for_each_other(failures: InMemoryFailureLog, clock: Clock) -> None:
    notifier = RecordingNotifier()
    alerts = make_alerts(failures, clock, notifier)
    for error_type in ("RecipientRefused", "InvalidMessage", "Expired"):
        await failures.record(make_failure(error_type=error_type), alerts.channels)

    await alerts.tell_due(notifier)

    assert len(notifier.notices) == 3


async def test_an_alert_that_a_channel_did_not_take_is_sent_when_it_is_back(
    failures: InMemoryFailureLog, clock: Clock
) -> None:
    notifier = RecordingNotifier(is_down=True)
    alerts = make_alerts(failures, clock, notifier)
    await failures.record(make_failure(), alerts.channels)
    await alerts.tell_due(notifier)
    await failures.record(make_failure(), alerts.channels)

    notifier.is_down = False
    await alerts.tell_due(notifier)
    clock.now += FIRST_PAUSE
    await alerts.tell_due(notifier)

    [notice] = notifier.notices
    assert notice.title.endswith(", 2 messages")


async def test_a_channel_that_stays_away_is_tried_less_and_less_often(
    failures: InMemoryFailureLog, clock: Clock
) -> None:
    notifier = RecordingNotifier(is_down=True)
    alerts = make_alerts(failures, clock, notifier)
    await failures.record(make_failure(), alerts.channels)

    for _second in range(3600):
        await alerts.tell_due(notifier)
        clock.now += timedelta(seconds=1)

    assert 3600 / LONGEST_PAUSE.total_seconds() <= notifier.refused <= 20


async def test_a_channel_that_is_down_does_not_silence_another(failures: InMemoryFailureLog, clock: Clock) -> None:
    down, up = RecordingNotifier("down", is_down=True), RecordingNotifier("up")
    alerts = make_alerts(failures, clock, down, up)
    await failures.record(make_failure(), alerts.channels)

    for notifier in (down, up):
        await alerts.tell_due(notifier)
    clock.now += FIRST_PAUSE
    down.is_down = False
    for notifier in (down, up):
        await alerts.tell_due(notifier)

    assert len(down.notices) == len(up.notices) == 1


async def test_two_replicas_tell_once(failures: InMemoryFailureLog, clock: Clock) -> None:
    notifier = RecordingNotifier()
    replicas = [make_alerts(failures, clock, notifier) for _ in range(2)]
    for _ in range(2):
        await failures.record(make_failure(), replicas[0].channels)

    await asyncio.gather(*(replica.tell_due(notifier) for replica in replicas))

    assert [notice.title for notice in notifier.notices] == ["email.send: RecipientRefused, 2 messages"]


async def test_waking_tells_in_the_background(failures: InMemoryFailureLog, clock: Clock) -> None:
    notifier = RecordingNotifier()
    alerts = make_alerts(failures, clock, notifier)

    async with alerts.running():
        await asyncio.sleep(0)
        await failures.record(make_failure(), alerts.channels)
        alerts.wake()
        await eventually(lambda: notifier.notices)

    assert len(notifier.notices) == 1


async def test_what_was_recorded_before_it_started_is_told(failures: InMemoryFailureLog, clock: Clock) -> None:
    notifier = RecordingNotifier()
    alerts = make_alerts(failures, clock, notifier)
    await failures.record(make_failure(), alerts.channels)

    async with alerts.running():
        assert await eventually(lambda: notifier.notices)


async def test_a_notification_under_way_is_finished_when_the_service_stops(
    failures: InMemoryFailureLog, clock: Clock
) -> None:
    class Slow(RecordingNotifier):
        async def notify(self, notice: Notice) -> None:
            begun.set()
            await asyncio.sleep(0.1)
            await super().notify(notice)

    begun = asyncio.Event()
    notifier = Slow()
    alerts = make_alerts(failures, clock, notifier)
    await failures.record(make_failure(), alerts.channels)

    async with alerts.running():
        await begun.wait()

    assert len(notifier.notices) == 1
    assert await failures.claim("fake", NOON + 10 * LEASE, interval=INTERVAL, lease=LEASE) is None


async def test_an_error_nobody_expected_does_not_end_the_telling(clock: Clock) -> None:
    class Broken(InMemoryFailureLog):
        calls = 0

        async def claim(self, *_args: object, **_kwargs: object) -> None:
            self.calls += 1
            raise ValueError("a bug")

    failures = Broken()
    alerts = make_alerts(failures, clock, RecordingNotifier())

    async with alerts.running(), asyncio.timeout(2):
        while failures.calls < 3:
            alerts.wake()
            await asyncio.sleep(0.01)


def test_a_claim_outlasts_a_notification() -> None:
    assert LEASE > NOTIFY_LIMIT

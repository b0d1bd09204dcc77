"""The dispatcher sends what is due, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.testing import eventually
from postroom_alerting.notify import dispatcher as dispatching
from postroom_alerting.notify.dispatcher import FIRST_PAUSE, LEASE, LONGEST_PAUSE, NOTIFY_LIMIT, Dispatcher
from postroom_alerting.notify.notifier import Notification
from tests.support.alerting import NOON, RecordingNotifier
from tests.support.alerting_harness import RULES, AlertingHarness
from tests.support.databases import service_database


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[AlertingHarness]:
    database = service_database(f"sqlite+aiosqlite:///{tmp_path}/alerting.sqlite3", "alerting")
    await database.migrate()
    yield AlertingHarness(database, replace(RULES, channels=("fake", "down", "up")))
    await database.close()


def give_up() -> None:
    """What ends the process, where one does."""


def make_dispatcher(harness: AlertingHarness, *notifiers: RecordingNotifier) -> Dispatcher:
    return Dispatcher(harness.notifications, notifiers, clock=lambda: harness.now)


async def test_the_first_death_is_sent_at_once_and_the_next_only_after_the_interval(
    harness: AlertingHarness,
) -> None:
    notifier = RecordingNotifier()
    dispatcher = make_dispatcher(harness, notifier)

    for minute in range(31):
        harness.now = NOON + timedelta(minutes=minute)
        await harness.die()
        await dispatcher.send_due(notifier)

    titles = [notification.title.partition(", ")[2] for notification in notifier.notifications]
    assert titles == ["1 message", "15 more messages", "15 more messages"]


async def test_causes_do_not_wait_for_each_other(harness: AlertingHarness) -> None:
    notifier = RecordingNotifier()
    dispatcher = make_dispatcher(harness, notifier)
    for error_type in ("RecipientRefused", "InvalidMessage", "Expired"):
        await harness.die(error_type=error_type)

    await dispatcher.send_due(notifier)

    assert len(notifier.notifications) == 3


async def test_a_notification_that_a_channel_did_not_take_is_sent_when_it_is_back(
    harness: AlertingHarness,
) -> None:
    notifier = RecordingNotifier(is_down=True)
    dispatcher = make_dispatcher(harness, notifier)
    await harness.die()
    await dispatcher.send_due(notifier)
    await harness.die()

    notifier.is_down = False
    await dispatcher.send_due(notifier)
    harness.now += FIRST_PAUSE
    await dispatcher.send_due(notifier)

    [notification] = notifier.notifications
    assert notification.title.endswith(", 2 messages")


async def test_a_channel_that_stays_away_is_tried_less_and_less_often(
    harness: AlertingHarness,
) -> None:
    notifier = RecordingNotifier(is_down=True)
    dispatcher = make_dispatcher(harness, notifier)
    await harness.die()

    await dispatcher.send_due(notifier)
    tried_at = [harness.now]
    for pause in (5, 10, 20, 40, 80, 160, 300, 300, 300):
        harness.now = tried_at[-1] + timedelta(seconds=pause - 1)
        await dispatcher.send_due(notifier)
        assert notifier.refused == len(tried_at)  # not yet
        harness.now += timedelta(seconds=1)
        await dispatcher.send_due(notifier)
        tried_at.append(harness.now)

    assert notifier.refused == len(tried_at)
    assert timedelta(seconds=5) == FIRST_PAUSE
    assert timedelta(seconds=300) == LONGEST_PAUSE


async def test_a_channel_that_is_down_does_not_silence_another(harness: AlertingHarness) -> None:
    down, up = RecordingNotifier("down", is_down=True), RecordingNotifier("up")
    dispatcher = make_dispatcher(harness, down, up)
    await harness.die()

    for notifier in (down, up):
        await dispatcher.send_due(notifier)
    harness.now += FIRST_PAUSE
    down.is_down = False
    for notifier in (down, up):
        await dispatcher.send_due(notifier)

    assert len(down.notifications) == len(up.notifications) == 1


async def test_two_replicas_send_once(harness: AlertingHarness) -> None:
    notifier = RecordingNotifier()
    replicas = [make_dispatcher(harness, notifier) for _ in range(2)]
    for _ in range(2):
        await harness.die()

    await asyncio.gather(*(replica.send_due(notifier) for replica in replicas))

    assert [each.title for each in notifier.notifications] == ["email.send: RecipientRefused, 2 messages"]


async def test_waking_sends_in_the_background(harness: AlertingHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "POLL_INTERVAL", timedelta(hours=1))  # for which it would wait otherwise
    notifier = RecordingNotifier()
    dispatcher = make_dispatcher(harness, notifier)

    async with dispatcher.running(give_up):
        await asyncio.sleep(0)
        await harness.die()
        dispatcher.wake()
        await eventually(lambda: notifier.notifications)

    assert len(notifier.notifications) == 1


async def test_what_was_recorded_before_it_started_is_sent(harness: AlertingHarness) -> None:
    notifier = RecordingNotifier()
    dispatcher = make_dispatcher(harness, notifier)
    await harness.die()

    async with dispatcher.running(give_up):
        assert await eventually(lambda: notifier.notifications)


async def test_a_notification_under_way_is_finished_when_the_service_stops(
    harness: AlertingHarness,
) -> None:
    class Slow(RecordingNotifier):
        async def notify(self, notification: Notification) -> None:
            begun.set()
            await asyncio.sleep(0.1)
            await super().notify(notification)

    begun, given_up = asyncio.Event(), asyncio.Event()
    notifier = Slow()
    dispatcher = make_dispatcher(harness, notifier)
    await harness.die()

    async with dispatcher.running(given_up.set):
        await begun.wait()

    assert len(notifier.notifications) == 1
    assert not given_up.is_set()
    assert await harness.claim("fake") is None


async def test_an_error_nobody_expected_does_not_end_the_dispatcher(
    harness: AlertingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    async def claim(*_args: object, **_kwargs: object) -> None:
        nonlocal calls
        calls += 1
        raise ValueError("a bug")

    monkeypatch.setattr(harness.notifications, "claim", claim)
    dispatcher = make_dispatcher(harness, RecordingNotifier())

    def has_called_again() -> bool:
        dispatcher.wake()
        return calls >= 3

    async with dispatcher.running(give_up):
        await eventually(has_called_again)


def test_a_claim_outlasts_a_notification() -> None:
    assert LEASE > NOTIFY_LIMIT

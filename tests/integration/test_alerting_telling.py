"""Telling people what is due, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.testing import eventually
from postroom_alerting.notify import dispatcher as telling
from postroom_alerting.notify.dispatcher import FIRST_PAUSE, LEASE, LONGEST_PAUSE, NOTIFY_LIMIT, Alerts
from postroom_alerting.notify.notifier import Notice
from tests.support.alert_log import RULES, AlertLog
from tests.support.alerting import NOON, RecordingNotifier
from tests.support.databases import service_database


@pytest.fixture
async def alert_log(tmp_path: Path) -> AsyncIterator[AlertLog]:
    database = service_database(f"sqlite+aiosqlite:///{tmp_path}/alerting.sqlite3", "alerting")
    await database.migrate()
    yield AlertLog(database, replace(RULES, channels=("fake", "down", "up")))
    await database.close()


def make_alerts(alert_log: AlertLog, *notifiers: RecordingNotifier) -> Alerts:
    return Alerts(alert_log.news, notifiers, clock=lambda: alert_log.now)


async def test_the_first_death_is_told_at_once_and_the_next_only_after_the_interval(
    alert_log: AlertLog,
) -> None:
    notifier = RecordingNotifier()
    alerts = make_alerts(alert_log, notifier)

    for minute in range(31):
        alert_log.now = NOON + timedelta(minutes=minute)
        await alert_log.die()
        await alerts.tell_due(notifier)

    titles = [notice.title.partition(", ")[2] for notice in notifier.notices]
    assert titles == ["1 message", "15 more messages", "15 more messages"]


async def test_causes_do_not_wait_for_each_other(alert_log: AlertLog) -> None:
    notifier = RecordingNotifier()
    alerts = make_alerts(alert_log, notifier)
    for error_type in ("RecipientRefused", "InvalidMessage", "Expired"):
        await alert_log.die(error_type=error_type)

    await alerts.tell_due(notifier)

    assert len(notifier.notices) == 3


async def test_an_alert_that_a_channel_did_not_take_is_sent_when_it_is_back(
    alert_log: AlertLog,
) -> None:
    notifier = RecordingNotifier(is_down=True)
    alerts = make_alerts(alert_log, notifier)
    await alert_log.die()
    await alerts.tell_due(notifier)
    await alert_log.die()

    notifier.is_down = False
    await alerts.tell_due(notifier)
    alert_log.now += FIRST_PAUSE
    await alerts.tell_due(notifier)

    [notice] = notifier.notices
    assert notice.title.endswith(", 2 messages")


async def test_a_channel_that_stays_away_is_tried_less_and_less_often(
    alert_log: AlertLog,
) -> None:
    notifier = RecordingNotifier(is_down=True)
    alerts = make_alerts(alert_log, notifier)
    await alert_log.die()

    await alerts.tell_due(notifier)
    tried_at = [alert_log.now]
    for pause in (5, 10, 20, 40, 80, 160, 300, 300, 300):
        alert_log.now = tried_at[-1] + timedelta(seconds=pause - 1)
        await alerts.tell_due(notifier)
        assert notifier.refused == len(tried_at)  # not yet
        alert_log.now += timedelta(seconds=1)
        await alerts.tell_due(notifier)
        tried_at.append(alert_log.now)

    assert notifier.refused == len(tried_at)
    assert timedelta(seconds=5) == FIRST_PAUSE
    assert timedelta(seconds=300) == LONGEST_PAUSE


async def test_a_channel_that_is_down_does_not_silence_another(alert_log: AlertLog) -> None:
    down, up = RecordingNotifier("down", is_down=True), RecordingNotifier("up")
    alerts = make_alerts(alert_log, down, up)
    await alert_log.die()

    for notifier in (down, up):
        await alerts.tell_due(notifier)
    alert_log.now += FIRST_PAUSE
    down.is_down = False
    for notifier in (down, up):
        await alerts.tell_due(notifier)

    assert len(down.notices) == len(up.notices) == 1


async def test_two_replicas_tell_once(alert_log: AlertLog) -> None:
    notifier = RecordingNotifier()
    replicas = [make_alerts(alert_log, notifier) for _ in range(2)]
    for _ in range(2):
        await alert_log.die()

    await asyncio.gather(*(replica.tell_due(notifier) for replica in replicas))

    assert [notice.title for notice in notifier.notices] == ["email.send: RecipientRefused, 2 messages"]


async def test_waking_tells_in_the_background(alert_log: AlertLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "LOOK_EVERY", timedelta(hours=1))  # for which it would wait otherwise
    notifier = RecordingNotifier()
    alerts = make_alerts(alert_log, notifier)

    async with alerts.running():
        await asyncio.sleep(0)
        await alert_log.die()
        alerts.wake()
        await eventually(lambda: notifier.notices)

    assert len(notifier.notices) == 1


async def test_what_was_recorded_before_it_started_is_told(alert_log: AlertLog) -> None:
    notifier = RecordingNotifier()
    alerts = make_alerts(alert_log, notifier)
    await alert_log.die()

    async with alerts.running():
        assert await eventually(lambda: notifier.notices)


async def test_a_notification_under_way_is_finished_when_the_service_stops(
    alert_log: AlertLog,
) -> None:
    class Slow(RecordingNotifier):
        async def notify(self, notice: Notice) -> None:
            begun.set()
            await asyncio.sleep(0.1)
            await super().notify(notice)

    begun = asyncio.Event()
    notifier = Slow()
    alerts = make_alerts(alert_log, notifier)
    await alert_log.die()

    async with alerts.running():
        await begun.wait()

    assert len(notifier.notices) == 1
    assert await alert_log.claim("fake") is None


async def test_an_error_nobody_expected_does_not_end_the_telling(
    alert_log: AlertLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    async def claim(*_args: object, **_kwargs: object) -> None:
        nonlocal calls
        calls += 1
        raise ValueError("a bug")

    monkeypatch.setattr(alert_log.news, "claim", claim)
    alerts = make_alerts(alert_log, RecordingNotifier())

    def has_called_again() -> bool:
        alerts.wake()
        return calls >= 3

    async with alerts.running():
        await eventually(has_called_again)


def test_a_claim_outlasts_a_notification() -> None:
    assert LEASE > NOTIFY_LIMIT

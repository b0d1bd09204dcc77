"""What is due on a channel, and when: on SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom_alerting.intake.failures import FailureSettlement
from postroom_alerting.notify.notifications import Reason
from tests.support.alerting import NOON, make_failure
from tests.support.alerting_harness import INTERVAL, LEASE, AlertingHarness, only


async def test_the_first_death_of_a_cause_is_due_at_once(harness: AlertingHarness) -> None:
    failure = await harness.die(message_id="m-1")

    update = only(await harness.claim())

    incident = update.incident
    assert (update.reason, update.new, update.since) == (Reason.NEW, 1, NOON)
    assert (incident.key, incident.name, incident.what) == (failure.cause.key, "email.send", "RecipientRefused")
    assert (incident.text, incident.total, incident.unsettled, incident.message_ids) == (failure.error, 1, 1, ("m-1",))


async def test_of_those_who_claim_at_once_one_gets_the_notification(harness: AlertingHarness) -> None:
    await harness.die()

    claims = await asyncio.gather(*(harness.claim() for _ in range(5)))

    assert sum(claim is not None for claim in claims) == 1


async def test_deaths_recorded_at_once_are_all_counted(harness: AlertingHarness) -> None:
    await asyncio.gather(*(harness.die() for _ in range(20)))

    update = only(await harness.claim())

    assert (update.new, update.incident.total, len(update.incident.message_ids)) == (20, 20, 3)


async def test_more_of_it_is_due_when_the_interval_is_over(harness: AlertingHarness) -> None:
    await harness.die()
    assert await harness.sent() == [(Reason.NEW, 1)]
    for _ in range(4):
        await harness.die()

    harness.now = NOON + INTERVAL - timedelta(seconds=1)
    assert await harness.sent() == []
    harness.now = NOON + INTERVAL
    update = only(await harness.claim())

    assert (update.reason, update.new, update.incident.total, update.since) == (Reason.MORE, 4, 5, NOON)


async def test_a_cause_without_new_deaths_is_not_sent_again(harness: AlertingHarness) -> None:
    await harness.die()
    await harness.sent()

    harness.now += 10 * INTERVAL

    assert await harness.sent() == []


async def test_what_more_came_of_several_causes_is_one_message(harness: AlertingHarness) -> None:
    for _ in range(2):
        for error_type in ("A", "B", "C"):
            await harness.die(error_type=error_type)
        if harness.now == NOON:
            assert len(await harness.sent_notifications()) == 3
        harness.now += timedelta(minutes=1)
    harness.now = NOON + INTERVAL

    [digest] = await harness.sent_notifications()

    assert [(update.reason, update.new) for update in digest.updates] == [(Reason.MORE, 1)] * 3
    assert await harness.sent() == []


async def test_causes_that_were_first_sent_one_after_the_other_share_a_digest(harness: AlertingHarness) -> None:
    for error_type in ("A", "B"):
        await harness.die(error_type=error_type)
        await harness.sent()
        await harness.die(error_type=error_type)
        harness.now += timedelta(seconds=20)
    harness.now = NOON + INTERVAL

    [digest] = await harness.sent_notifications()

    assert len(digest.updates) == 2


async def test_deaths_recorded_while_it_was_being_sent_are_not_lost(harness: AlertingHarness) -> None:
    await harness.die()
    due = await harness.claim()
    assert due is not None
    await harness.die()

    await harness.notifications.mark_sent(due, harness.now)
    harness.now += INTERVAL

    assert await harness.sent() == [(Reason.MORE, 1)]


@pytest.mark.parametrize("is_digest", [False, True])
async def test_a_postponed_notification_comes_back_with_its_tries(harness: AlertingHarness, is_digest: bool) -> None:
    await harness.die()
    if is_digest:
        await harness.sent()
        await harness.die()
        harness.now += INTERVAL
    due = await harness.claim()
    assert due is not None
    until = harness.now + timedelta(seconds=30)

    await harness.notifications.postpone(due, until)
    harness.now = until - timedelta(seconds=1)
    assert await harness.claim() is None
    harness.now = until
    again = await harness.claim()

    assert again is not None
    assert (again.tries, again.updates[0].new, again.is_digest) == (1, 1, is_digest)


async def test_a_claim_ends_when_its_process_has_died(harness: AlertingHarness) -> None:
    await harness.die()
    dead = await harness.claim()
    assert dead is not None

    harness.now = NOON + LEASE / 2
    assert await harness.claim() is None
    harness.now = NOON + LEASE
    taken_over = await harness.claim()

    assert taken_over is not None
    await harness.notifications.postpone(dead, harness.now + timedelta(days=1))  # its claim is lost
    await harness.notifications.mark_sent(taken_over, harness.now)
    assert await harness.claim() is None


async def test_that_a_group_was_resolved_is_sent_once(harness: AlertingHarness) -> None:
    await harness.die(message_id="m-1")
    await harness.sent()
    await harness.failures.settle(FailureSettlement("email.send", "m-1", replays=1))

    assert await harness.sent() == [(Reason.RESOLVED, 0)]
    assert await harness.sent() == []


async def test_a_death_in_a_resolved_group_is_sent_at_once(harness: AlertingHarness) -> None:
    await harness.die(message_id="m-1")
    await harness.sent()
    await harness.failures.settle(FailureSettlement("email.send", "m-1", replays=1))
    await harness.sent()

    await harness.die(message_id="m-2")

    assert await harness.sent() == [(Reason.CAME_BACK, 1)]


async def test_a_message_that_dies_again_after_its_replay_neither_resolves_its_group_nor_comes_back(
    harness: AlertingHarness,
) -> None:
    failure = await harness.die(message_id="m-1")
    await harness.sent()
    again = replace(failure, death="later", replays=1, failed_at=NOON + timedelta(minutes=2))
    await harness.failures.record(again)
    await harness.failures.settle(FailureSettlement("email.send", "m-1", replays=1))

    assert await harness.sent() == []


async def test_a_message_that_dies_of_another_cause_leaves_its_first_group(harness: AlertingHarness) -> None:
    failure = await harness.die(message_id="m-1")
    await harness.sent()
    other = make_failure(message_id="m-1", error_type="Other", replays=1, death="later", failed_at=failure.failed_at)
    await harness.failures.record(other)

    assert sorted(await harness.sent()) == [(Reason.NEW, 1), (Reason.RESOLVED, 0)]


async def test_that_a_group_was_resolved_is_not_sent_when_its_beginning_was_not(harness: AlertingHarness) -> None:
    await harness.die(message_id="m-1")
    await harness.failures.settle(FailureSettlement("email.send", "m-1", replays=1))

    assert await harness.sent() == []

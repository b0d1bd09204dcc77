"""Bursts, and incidents that come and go: few notifications, soon, and the last of them is true."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postroom_alerting.incidents.sql_conditions import SETTLING
from postroom_alerting.notify.notifications import Reason
from postroom_alerting.notify.sql_notifications import BURST, LONGEST_WAIT, MOST_SINGLES
from postroom_alerting.rules.routes import Escalation, Rule
from tests.support.alerting import NOON, make_condition
from tests.support.alerting_harness import INTERVAL, RULES, AlertingHarness

MANY = 6 * MOST_SINGLES
LATER = timedelta(minutes=30)
PAGED = replace(
    RULES, channels=("slack", "pager"), rules=[Rule(to=["slack"], escalate=Escalation(after=LATER, to=["pager"]))]
)


async def test_a_flood_of_causes_ends_in_a_digest(harness: AlertingHarness) -> None:
    for number in range(MOST_SINGLES + 20):
        await harness.die(error_type=f"Error{number}")

    sent = await harness.sent_notifications()

    assert [len(due.updates) for due in sent] == [1] * MOST_SINGLES + [20]
    assert {update.reason for update in sent[-1].updates} == {Reason.NEW}
    await harness.die(error_type="OneMore")
    await harness.die(error_type="Error0")
    assert await harness.sent() == []
    harness.now += LONGEST_WAIT
    assert await harness.sent() == [(Reason.NEW, 1)]
    harness.now += BURST
    assert await harness.sent() == [(Reason.MORE, 1)]


async def test_the_ends_of_many_are_one_message_within_minutes(harness: AlertingHarness) -> None:
    failures = [await harness.die(error_type=f"Error{number}") for number in range(MANY)]
    await harness.sent()
    harness.now += timedelta(minutes=1)
    for failure in failures:
        await harness.settle(failure)

    assert await harness.sent() == []
    harness.now = NOON + LONGEST_WAIT
    [due] = await harness.sent_notifications()

    assert [update.reason for update in due.updates] == [Reason.RESOLVED] * MANY
    harness.now += BURST
    assert await harness.sent() == []


async def test_conditions_that_cleared_in_a_burst_are_sent_within_minutes(harness: AlertingHarness) -> None:
    conditions = [make_condition(key=f"{number}") for number in range(MANY)]
    await harness.conditions.observe("broker", conditions, harness.now)
    await harness.sent()
    await harness.conditions.observe("broker", [], harness.now)

    harness.now += max(SETTLING, LONGEST_WAIT)
    [due] = await harness.sent_notifications()

    assert [update.reason for update in due.updates] == [Reason.CLEARED] * MANY


async def test_what_comes_back_in_a_burst_is_sent_within_minutes(harness: AlertingHarness) -> None:
    await harness.settle(await harness.die(error_type="Back"))
    failure = await harness.die(error_type="Back")
    await harness.sent()
    await harness.settle(failure)
    for number in range(MANY):
        await harness.die(error_type=f"Error{number}")
    await harness.sent()
    await harness.die(error_type="Back")

    harness.now += LONGEST_WAIT

    assert await harness.sent() == [(Reason.CAME_BACK, 1)]


async def test_an_escalation_does_not_wait_for_the_end_of_a_burst(harness: AlertingHarness) -> None:
    harness.use(replace(PAGED, rules=[Rule(queue="email.*", to=["pager"]), *PAGED.rules]))
    await harness.die(queue="sms.send")
    harness.now = NOON + LATER - timedelta(seconds=1)
    for number in range(MANY):
        await harness.die(error_type=f"Error{number}")
    assert len(await harness.sent("pager")) == MANY

    harness.now = NOON + LATER

    assert await harness.sent("pager") == [(Reason.ESCALATED, 1)]


async def test_many_escalations_are_a_handful_of_messages_at_once(harness: AlertingHarness) -> None:
    harness.use(PAGED)
    for number in range(MANY):
        await harness.die(error_type=f"Error{number}")

    harness.now = NOON + LATER
    sent = await harness.sent_notifications("pager")

    assert [len(due.updates) for due in sent] == [1] * MOST_SINGLES + [MANY - MOST_SINGLES]
    assert {update.reason for due in sent for update in due.updates} == {Reason.ESCALATED}


async def test_messages_are_counted_and_not_what_they_are_about(harness: AlertingHarness) -> None:
    failures = [await harness.die(error_type=f"Error{number}") for number in range(MOST_SINGLES - 2)]
    await harness.sent()
    for failure in failures:
        await harness.settle(failure)

    assert [len(due.updates) for due in await harness.sent_notifications()] == [1, 1, MOST_SINGLES - 4]


@pytest.mark.parametrize("last", [Reason.RESOLVED, Reason.CAME_BACK])
async def test_a_group_that_comes_and_goes_is_sent_once_in_an_interval_and_truly_at_last(
    harness: AlertingHarness, last: Reason
) -> None:
    sent = []
    for minute in range(60):
        harness.now = NOON + timedelta(minutes=minute)
        failure = await harness.die()
        sent += await harness.sent()
        if minute < 59 or last is Reason.RESOLVED:
            await harness.settle(failure)
        sent += await harness.sent()
    harness.now += INTERVAL
    sent += await harness.sent()

    assert [reason for reason, _ in sent[:4]] == [
        Reason.NEW,
        Reason.RESOLVED,
        Reason.CAME_BACK,
        Reason.RESOLVED,
    ]
    assert len(sent) <= 4 + timedelta(minutes=60) / INTERVAL
    [incident] = await harness.incidents.all(harness.now)
    [channel] = await harness.incidents.notification_states(incident.key)
    assert channel["told_state"] == ("resolved" if last is Reason.RESOLVED else "open")
    assert sum(new for _, new in sent) == incident.total


async def test_a_group_that_was_quiet_for_some_intervals_is_sent_at_once_again(harness: AlertingHarness) -> None:
    for _ in range(3):
        failure = await harness.die()
        await harness.sent()
        await harness.settle(failure)
        await harness.sent()

    harness.now += 4 * INTERVAL
    failure = await harness.die()

    assert await harness.sent() == [(Reason.CAME_BACK, 2)]
    await harness.settle(failure)
    assert await harness.sent() == [(Reason.RESOLVED, 0)]

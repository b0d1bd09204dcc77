"""Storms, and what changes all the time: a handful of messages, soon, and the last of them is true."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.alerting.news import News
from services.alerting.rules import Escalation, Rule
from services.alerting.sql_due import SETTLING
from services.alerting.sql_news import BURST, LONGEST_WAIT, MOST_ALONE
from tests.support.alert_desk import INTERVAL, RULES, Desk
from tests.support.alerting import NOON, make_condition

MANY = 6 * MOST_ALONE
LATER = timedelta(minutes=30)
PAGED = replace(
    RULES, channels=("slack", "pager"), rules=[Rule(to=["slack"], escalate=Escalation(after=LATER, to=["pager"]))]
)


async def test_a_flood_of_causes_ends_in_a_digest(desk: Desk) -> None:
    for number in range(MOST_ALONE + 20):
        await desk.die(error_type=f"Error{number}")

    alerts = await desk.told_alerts()

    assert [len(alert.items) for alert in alerts] == [1] * MOST_ALONE + [20]
    assert {item.news for item in alerts[-1].items} == {News.NEW}
    await desk.die(error_type="OneMore")
    await desk.die(error_type="Error0")
    assert await desk.told() == []
    desk.now += LONGEST_WAIT
    assert await desk.told() == [(News.NEW, 1)]
    desk.now += BURST
    assert await desk.told() == [(News.MORE, 1)]


async def test_the_ends_of_many_are_one_message_within_minutes(desk: Desk) -> None:
    failures = [await desk.die(error_type=f"Error{number}") for number in range(MANY)]
    await desk.told()
    desk.now += timedelta(minutes=1)
    for failure in failures:
        await desk.settle(failure)

    assert await desk.told() == []
    desk.now = NOON + LONGEST_WAIT
    [alert] = await desk.told_alerts()

    assert [item.news for item in alert.items] == [News.RESOLVED] * MANY
    desk.now += BURST
    assert await desk.told() == []


async def test_conditions_that_cleared_in_a_burst_are_told_within_minutes(desk: Desk) -> None:
    conditions = [make_condition(key=f"{number}") for number in range(MANY)]
    await desk.conditions.observe("broker", conditions, desk.now)
    await desk.told()
    await desk.conditions.observe("broker", [], desk.now)

    desk.now += max(SETTLING, LONGEST_WAIT)
    [alert] = await desk.told_alerts()

    assert [item.news for item in alert.items] == [News.CLEARED] * MANY


async def test_what_comes_back_in_a_burst_is_told_within_minutes(desk: Desk) -> None:
    await desk.settle(await desk.die(error_type="Back"))
    failure = await desk.die(error_type="Back")
    await desk.told()
    await desk.settle(failure)
    for number in range(MANY):
        await desk.die(error_type=f"Error{number}")
    await desk.told()
    await desk.die(error_type="Back")

    desk.now += LONGEST_WAIT

    assert await desk.told() == [(News.CAME_BACK, 1)]


async def test_an_escalation_does_not_wait_for_the_end_of_a_burst(desk: Desk) -> None:
    desk.use(replace(PAGED, rules=[Rule(queue="email.*", to=["pager"]), *PAGED.rules]))
    await desk.die(queue="sms.send")
    desk.now = NOON + LATER - timedelta(seconds=1)
    for number in range(MANY):
        await desk.die(error_type=f"Error{number}")
    assert len(await desk.told("pager")) == MANY

    desk.now = NOON + LATER

    assert await desk.told("pager") == [(News.ESCALATED, 1)]


async def test_many_escalations_are_a_handful_of_messages_at_once(desk: Desk) -> None:
    desk.use(PAGED)
    for number in range(MANY):
        await desk.die(error_type=f"Error{number}")

    desk.now = NOON + LATER
    alerts = await desk.told_alerts("pager")

    assert [len(alert.items) for alert in alerts] == [1] * MOST_ALONE + [MANY - MOST_ALONE]
    assert {item.news for alert in alerts for item in alert.items} == {News.ESCALATED}


async def test_messages_are_counted_and_not_what_they_are_about(desk: Desk) -> None:
    failures = [await desk.die(error_type=f"Error{number}") for number in range(MOST_ALONE - 2)]
    await desk.told()
    for failure in failures:
        await desk.settle(failure)

    assert [len(alert.items) for alert in await desk.told_alerts()] == [1, 1, MOST_ALONE - 4]


@pytest.mark.parametrize("last", [News.RESOLVED, News.CAME_BACK])
async def test_a_group_that_comes_and_goes_is_told_once_in_an_interval_and_truly_at_last(
    desk: Desk, last: News
) -> None:
    told = []
    for minute in range(60):
        desk.now = NOON + timedelta(minutes=minute)
        failure = await desk.die()
        told += await desk.told()
        if minute < 59 or last is News.RESOLVED:
            await desk.settle(failure)
        told += await desk.told()
    desk.now += INTERVAL
    told += await desk.told()

    assert [news for news, _ in told[:4]] == [News.NEW, News.RESOLVED, News.CAME_BACK, News.RESOLVED]
    assert len(told) <= 4 + timedelta(minutes=60) / INTERVAL
    [concern] = await desk.groups.all(desk.now)
    [channel] = await desk.groups.told(concern.key)
    assert channel["told_state"] == ("resolved" if last is News.RESOLVED else "open")
    assert sum(new for _, new in told) == concern.total


async def test_a_group_that_was_quiet_for_some_intervals_is_told_of_at_once_again(desk: Desk) -> None:
    for _ in range(3):
        failure = await desk.die()
        await desk.told()
        await desk.settle(failure)
        await desk.told()

    desk.now += 4 * INTERVAL
    failure = await desk.die()

    assert await desk.told() == [(News.CAME_BACK, 2)]
    await desk.settle(failure)
    assert await desk.told() == [(News.RESOLVED, 0)]

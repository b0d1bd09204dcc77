"""Storms, and what changes all the time: a handful of messages, soon, and the last of them is true."""

from dataclasses import replace
from datetime import timedelta

import pytest

from postroom_alerting.incidents.sql_conditions import SETTLING
from postroom_alerting.notify.notifications import News
from postroom_alerting.notify.sql_notifications import BURST, LONGEST_WAIT, MOST_ALONE
from postroom_alerting.rules.routes import Escalation, Rule
from tests.support.alert_log import INTERVAL, RULES, AlertLog
from tests.support.alerting import NOON, make_condition

MANY = 6 * MOST_ALONE
LATER = timedelta(minutes=30)
PAGED = replace(
    RULES, channels=("slack", "pager"), rules=[Rule(to=["slack"], escalate=Escalation(after=LATER, to=["pager"]))]
)


async def test_a_flood_of_causes_ends_in_a_digest(alert_log: AlertLog) -> None:
    for number in range(MOST_ALONE + 20):
        await alert_log.die(error_type=f"Error{number}")

    alerts = await alert_log.told_alerts()

    assert [len(alert.items) for alert in alerts] == [1] * MOST_ALONE + [20]
    assert {item.news for item in alerts[-1].items} == {News.NEW}
    await alert_log.die(error_type="OneMore")
    await alert_log.die(error_type="Error0")
    assert await alert_log.told() == []
    alert_log.now += LONGEST_WAIT
    assert await alert_log.told() == [(News.NEW, 1)]
    alert_log.now += BURST
    assert await alert_log.told() == [(News.MORE, 1)]


async def test_the_ends_of_many_are_one_message_within_minutes(alert_log: AlertLog) -> None:
    failures = [await alert_log.die(error_type=f"Error{number}") for number in range(MANY)]
    await alert_log.told()
    alert_log.now += timedelta(minutes=1)
    for failure in failures:
        await alert_log.settle(failure)

    assert await alert_log.told() == []
    alert_log.now = NOON + LONGEST_WAIT
    [alert] = await alert_log.told_alerts()

    assert [item.news for item in alert.items] == [News.RESOLVED] * MANY
    alert_log.now += BURST
    assert await alert_log.told() == []


async def test_conditions_that_cleared_in_a_burst_are_told_within_minutes(alert_log: AlertLog) -> None:
    conditions = [make_condition(key=f"{number}") for number in range(MANY)]
    await alert_log.conditions.observe("broker", conditions, alert_log.now)
    await alert_log.told()
    await alert_log.conditions.observe("broker", [], alert_log.now)

    alert_log.now += max(SETTLING, LONGEST_WAIT)
    [alert] = await alert_log.told_alerts()

    assert [item.news for item in alert.items] == [News.CLEARED] * MANY


async def test_what_comes_back_in_a_burst_is_told_within_minutes(alert_log: AlertLog) -> None:
    await alert_log.settle(await alert_log.die(error_type="Back"))
    failure = await alert_log.die(error_type="Back")
    await alert_log.told()
    await alert_log.settle(failure)
    for number in range(MANY):
        await alert_log.die(error_type=f"Error{number}")
    await alert_log.told()
    await alert_log.die(error_type="Back")

    alert_log.now += LONGEST_WAIT

    assert await alert_log.told() == [(News.CAME_BACK, 1)]


async def test_an_escalation_does_not_wait_for_the_end_of_a_burst(alert_log: AlertLog) -> None:
    alert_log.use(replace(PAGED, rules=[Rule(queue="email.*", to=["pager"]), *PAGED.rules]))
    await alert_log.die(queue="sms.send")
    alert_log.now = NOON + LATER - timedelta(seconds=1)
    for number in range(MANY):
        await alert_log.die(error_type=f"Error{number}")
    assert len(await alert_log.told("pager")) == MANY

    alert_log.now = NOON + LATER

    assert await alert_log.told("pager") == [(News.ESCALATED, 1)]


async def test_many_escalations_are_a_handful_of_messages_at_once(alert_log: AlertLog) -> None:
    alert_log.use(PAGED)
    for number in range(MANY):
        await alert_log.die(error_type=f"Error{number}")

    alert_log.now = NOON + LATER
    alerts = await alert_log.told_alerts("pager")

    assert [len(alert.items) for alert in alerts] == [1] * MOST_ALONE + [MANY - MOST_ALONE]
    assert {item.news for alert in alerts for item in alert.items} == {News.ESCALATED}


async def test_messages_are_counted_and_not_what_they_are_about(alert_log: AlertLog) -> None:
    failures = [await alert_log.die(error_type=f"Error{number}") for number in range(MOST_ALONE - 2)]
    await alert_log.told()
    for failure in failures:
        await alert_log.settle(failure)

    assert [len(alert.items) for alert in await alert_log.told_alerts()] == [1, 1, MOST_ALONE - 4]


@pytest.mark.parametrize("last", [News.RESOLVED, News.CAME_BACK])
async def test_a_group_that_comes_and_goes_is_told_once_in_an_interval_and_truly_at_last(
    alert_log: AlertLog, last: News
) -> None:
    told = []
    for minute in range(60):
        alert_log.now = NOON + timedelta(minutes=minute)
        failure = await alert_log.die()
        told += await alert_log.told()
        if minute < 59 or last is News.RESOLVED:
            await alert_log.settle(failure)
        told += await alert_log.told()
    alert_log.now += INTERVAL
    told += await alert_log.told()

    assert [news for news, _ in told[:4]] == [News.NEW, News.RESOLVED, News.CAME_BACK, News.RESOLVED]
    assert len(told) <= 4 + timedelta(minutes=60) / INTERVAL
    [incident] = await alert_log.incidents.all(alert_log.now)
    [channel] = await alert_log.incidents.notification_states(incident.key)
    assert channel["told_state"] == ("resolved" if last is News.RESOLVED else "open")
    assert sum(new for _, new in told) == incident.total


async def test_a_group_that_was_quiet_for_some_intervals_is_told_of_at_once_again(alert_log: AlertLog) -> None:
    for _ in range(3):
        failure = await alert_log.die()
        await alert_log.told()
        await alert_log.settle(failure)
        await alert_log.told()

    alert_log.now += 4 * INTERVAL
    failure = await alert_log.die()

    assert await alert_log.told() == [(News.CAME_BACK, 2)]
    await alert_log.settle(failure)
    assert await alert_log.told() == [(News.RESOLVED, 0)]

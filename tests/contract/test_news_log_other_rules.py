"""What is open follows the rules of the process that tells, whichever were there when it opened."""

from dataclasses import replace
from datetime import timedelta

from postroom_alerting.notify.notifications import News
from postroom_alerting.rules.routes import Escalation, Rule
from tests.support.alert_log import INTERVAL, RULES, AlertLog
from tests.support.alerting import NOON, make_condition

LATER = timedelta(minutes=30)
TO_SLACK = Rule(to=["slack"])
PAGED = Rule(to=["slack"], escalate=Escalation(after=LATER, to=["pager"]))


def use(alert_log: AlertLog, *rules: Rule) -> None:
    alert_log.use(replace(RULES, channels=("slack", "mail", "pager"), rules=rules))


async def test_what_is_dropped_now_is_told_no_more(alert_log: AlertLog) -> None:
    failure = await alert_log.die()
    await alert_log.told()
    await alert_log.die(error_type="Other")
    await alert_log.die(error_type="Other")

    use(alert_log, Rule(error="Recipient*", drop=True), TO_SLACK)
    assert await alert_log.told() == [(News.NEW, 2)]
    again = await alert_log.die()
    alert_log.now += INTERVAL
    assert await alert_log.told() == []
    for each in (failure, again):
        await alert_log.settle(each)
    assert await alert_log.told() == []
    await alert_log.die()
    assert await alert_log.told() == []


async def test_what_goes_to_another_channel_now_is_told_there_with_all_that_is_dead(alert_log: AlertLog) -> None:
    failures = [await alert_log.die() for _ in range(3)]
    await alert_log.told()
    await alert_log.settle(failures.pop())

    use(alert_log, Rule(to=["mail"]))
    assert await alert_log.told() == []
    assert await alert_log.told("mail") == [(News.NEW, 2)]
    for failure in failures:
        await alert_log.settle(failure)

    assert await alert_log.told() == []
    assert await alert_log.told("mail") == [(News.RESOLVED, 0)]
    await alert_log.die()
    assert await alert_log.told() == []
    assert await alert_log.told("mail") == [(News.CAME_BACK, 1)]


async def test_what_was_resolved_is_no_news_to_a_new_channel_until_it_comes_back(alert_log: AlertLog) -> None:
    await alert_log.settle(await alert_log.die())
    await alert_log.told()

    use(alert_log, Rule(to=["slack", "mail"]))
    assert await alert_log.told("mail") == []
    await alert_log.die()

    assert await alert_log.told("mail") == [(News.CAME_BACK, 1)]


async def test_an_escalation_that_is_no_more_is_not_told(alert_log: AlertLog) -> None:
    use(alert_log, PAGED)
    await alert_log.die()
    await alert_log.told()

    use(alert_log, TO_SLACK)
    alert_log.now = NOON + 2 * LATER

    assert await alert_log.told("pager") == []


async def test_an_escalation_is_due_when_the_rules_of_now_say(alert_log: AlertLog) -> None:
    use(alert_log, TO_SLACK)
    await alert_log.die()
    await alert_log.told()

    use(alert_log, Rule(to=["slack"], escalate=Escalation(after=2 * LATER, to=["pager"])))
    alert_log.now = NOON + LATER
    assert await alert_log.told("pager") == []
    use(alert_log, PAGED)

    assert await alert_log.told("pager") == [(News.ESCALATED, 1)]


async def test_another_interval_counts_from_what_was_told_last(alert_log: AlertLog) -> None:
    use(alert_log, Rule(to=["slack"], interval=10 * INTERVAL))
    await alert_log.die()
    await alert_log.told()
    await alert_log.die()

    use(alert_log, TO_SLACK)
    alert_log.now = NOON + INTERVAL - timedelta(seconds=1)
    assert await alert_log.told() == []
    alert_log.now = NOON + INTERVAL

    assert await alert_log.told() == [(News.MORE, 1)]


async def test_a_condition_that_lasts_follows_other_rules_too(alert_log: AlertLog) -> None:
    await alert_log.conditions.observe("broker", [make_condition()], alert_log.now)
    await alert_log.told()

    use(alert_log, Rule(condition="queue-without-consumers", to=["pager"]))

    assert await alert_log.told() == []
    assert await alert_log.told("pager") == [(News.NEW, 1)]


async def test_a_start_with_the_same_rules_tells_nothing_again(alert_log: AlertLog) -> None:
    use(alert_log, PAGED)
    await alert_log.die()
    alert_log.now = NOON + LATER
    assert len(await alert_log.told() + await alert_log.told("pager")) == 2

    use(alert_log, PAGED)

    assert await alert_log.told() + await alert_log.told("pager") == []

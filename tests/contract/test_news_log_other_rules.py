"""What is open follows the rules of the process that tells, whichever were there when it opened."""

from dataclasses import replace
from datetime import timedelta

from services.alerting.news import News
from services.alerting.rules import Escalation, Rule
from tests.support.alert_desk import INTERVAL, RULES, Desk
from tests.support.alerting import NOON, make_condition

LATER = timedelta(minutes=30)
TO_SLACK = Rule(to=["slack"])
PAGED = Rule(to=["slack"], escalate=Escalation(after=LATER, to=["pager"]))


def use(desk: Desk, *rules: Rule) -> None:
    desk.use(replace(RULES, channels=("slack", "mail", "pager"), rules=rules))


async def test_what_is_dropped_now_is_told_no_more(desk: Desk) -> None:
    failure = await desk.die()
    await desk.told()
    await desk.die(error_type="Other")
    await desk.die(error_type="Other")

    use(desk, Rule(error="Recipient*", drop=True), TO_SLACK)
    assert await desk.told() == [(News.NEW, 2)]
    again = await desk.die()
    desk.now += INTERVAL
    assert await desk.told() == []
    for each in (failure, again):
        await desk.settle(each)
    assert await desk.told() == []
    await desk.die()
    assert await desk.told() == []


async def test_what_goes_to_another_channel_now_is_told_there_with_all_that_is_dead(desk: Desk) -> None:
    failures = [await desk.die() for _ in range(3)]
    await desk.told()
    await desk.settle(failures.pop())

    use(desk, Rule(to=["mail"]))
    assert await desk.told() == []
    assert await desk.told("mail") == [(News.NEW, 2)]
    for failure in failures:
        await desk.settle(failure)

    assert await desk.told() == []
    assert await desk.told("mail") == [(News.RESOLVED, 0)]
    await desk.die()
    assert await desk.told() == []
    assert await desk.told("mail") == [(News.CAME_BACK, 1)]


async def test_what_was_resolved_is_no_news_to_a_new_channel_until_it_comes_back(desk: Desk) -> None:
    await desk.settle(await desk.die())
    await desk.told()

    use(desk, Rule(to=["slack", "mail"]))
    assert await desk.told("mail") == []
    await desk.die()

    assert await desk.told("mail") == [(News.CAME_BACK, 1)]


async def test_an_escalation_that_is_no_more_is_not_told(desk: Desk) -> None:
    use(desk, PAGED)
    await desk.die()
    await desk.told()

    use(desk, TO_SLACK)
    desk.now = NOON + 2 * LATER

    assert await desk.told("pager") == []


async def test_an_escalation_is_due_when_the_rules_of_now_say(desk: Desk) -> None:
    use(desk, TO_SLACK)
    await desk.die()
    await desk.told()

    use(desk, Rule(to=["slack"], escalate=Escalation(after=2 * LATER, to=["pager"])))
    desk.now = NOON + LATER
    assert await desk.told("pager") == []
    use(desk, PAGED)

    assert await desk.told("pager") == [(News.ESCALATED, 1)]


async def test_another_interval_counts_from_what_was_told_last(desk: Desk) -> None:
    use(desk, Rule(to=["slack"], interval=10 * INTERVAL))
    await desk.die()
    await desk.told()
    await desk.die()

    use(desk, TO_SLACK)
    desk.now = NOON + INTERVAL - timedelta(seconds=1)
    assert await desk.told() == []
    desk.now = NOON + INTERVAL

    assert await desk.told() == [(News.MORE, 1)]


async def test_a_condition_that_lasts_follows_other_rules_too(desk: Desk) -> None:
    await desk.conditions.observe("broker", [make_condition()], desk.now)
    await desk.told()

    use(desk, Rule(condition="queue-without-consumers", to=["pager"]))

    assert await desk.told() == []
    assert await desk.told("pager") == [(News.NEW, 1)]


async def test_a_start_with_the_same_rules_tells_nothing_again(desk: Desk) -> None:
    use(desk, PAGED)
    await desk.die()
    desk.now = NOON + LATER
    assert len(await desk.told() + await desk.told("pager")) == 2

    use(desk, PAGED)

    assert await desk.told() + await desk.told("pager") == []

"""After a start with changed rules open incidents follow the new rules."""

from dataclasses import replace
from datetime import timedelta

from postroom_alerting.notify.notifications import Reason
from postroom_alerting.rules.routes import Escalation, Rule
from tests.support.alerting import NOON, make_condition
from tests.support.alerting_harness import INTERVAL, RULES, AlertingHarness

LATER = timedelta(minutes=30)
TO_SLACK = Rule(to=["slack"])
PAGED = Rule(to=["slack"], escalate=Escalation(after=LATER, to=["pager"]))


def use(harness: AlertingHarness, *rules: Rule) -> None:
    harness.use(replace(RULES, channels=("slack", "mail", "pager"), rules=rules))


async def test_what_is_dropped_now_is_no_longer_sent(harness: AlertingHarness) -> None:
    failure = await harness.die()
    await harness.sent()
    await harness.die(error_type="Other")
    await harness.die(error_type="Other")

    use(harness, Rule(error="Recipient*", drop=True), TO_SLACK)
    assert await harness.sent() == [(Reason.NEW, 2)]
    again = await harness.die()
    harness.now += INTERVAL
    assert await harness.sent() == []
    for each in (failure, again):
        await harness.settle(each)
    assert await harness.sent() == []
    await harness.die()
    assert await harness.sent() == []


async def test_what_goes_to_another_channel_now_is_sent_there_with_all_that_is_dead(harness: AlertingHarness) -> None:
    failures = [await harness.die() for _ in range(3)]
    await harness.sent()
    await harness.settle(failures.pop())

    use(harness, Rule(to=["mail"]))
    assert await harness.sent() == []
    assert await harness.sent("mail") == [(Reason.NEW, 2)]
    for failure in failures:
        await harness.settle(failure)

    assert await harness.sent() == []
    assert await harness.sent("mail") == [(Reason.RESOLVED, 0)]
    await harness.die()
    assert await harness.sent() == []
    assert await harness.sent("mail") == [(Reason.CAME_BACK, 1)]


async def test_what_was_resolved_is_not_sent_to_a_new_channel_until_it_comes_back(harness: AlertingHarness) -> None:
    await harness.settle(await harness.die())
    await harness.sent()

    use(harness, Rule(to=["slack", "mail"]))
    assert await harness.sent("mail") == []
    await harness.die()

    assert await harness.sent("mail") == [(Reason.CAME_BACK, 1)]


async def test_an_escalation_that_is_no_more_is_not_sent(harness: AlertingHarness) -> None:
    use(harness, PAGED)
    await harness.die()
    await harness.sent()

    use(harness, TO_SLACK)
    harness.now = NOON + 2 * LATER

    assert await harness.sent("pager") == []


async def test_an_escalation_is_due_when_the_rules_of_now_say(harness: AlertingHarness) -> None:
    use(harness, TO_SLACK)
    await harness.die()
    await harness.sent()

    use(harness, Rule(to=["slack"], escalate=Escalation(after=2 * LATER, to=["pager"])))
    harness.now = NOON + LATER
    assert await harness.sent("pager") == []
    use(harness, PAGED)

    assert await harness.sent("pager") == [(Reason.ESCALATED, 1)]


async def test_another_interval_counts_from_what_was_sent_last(harness: AlertingHarness) -> None:
    use(harness, Rule(to=["slack"], interval=10 * INTERVAL))
    await harness.die()
    await harness.sent()
    await harness.die()

    use(harness, TO_SLACK)
    harness.now = NOON + INTERVAL - timedelta(seconds=1)
    assert await harness.sent() == []
    harness.now = NOON + INTERVAL

    assert await harness.sent() == [(Reason.MORE, 1)]


async def test_a_condition_that_lasts_follows_other_rules_too(harness: AlertingHarness) -> None:
    await harness.conditions.observe("broker", [make_condition()], harness.now)
    await harness.sent()

    use(harness, Rule(condition="queue-without-consumers", to=["pager"]))

    assert await harness.sent() == []
    assert await harness.sent("pager") == [(Reason.NEW, 1)]


async def test_a_start_with_the_same_rules_sends_nothing_again(harness: AlertingHarness) -> None:
    use(harness, PAGED)
    await harness.die()
    harness.now = NOON + LATER
    assert len(await harness.sent() + await harness.sent("pager")) == 2

    use(harness, PAGED)

    assert await harness.sent() + await harness.sent("pager") == []

"""What is due on a channel, and when: on SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postroom_alerting.incidents.sql_conditions import SETTLING
from postroom_alerting.intake.failures import Settlement
from postroom_alerting.intake.sql_failures import SqlFailureLog
from postroom_alerting.notify.notifications import Alert, Item, News
from postroom_alerting.rules.routes import Escalation, Rule
from tests.support.alert_log import INTERVAL, LEASE, RULES, AlertLog
from tests.support.alerting import NOON, make_condition, make_failure


def only(alert: Alert | None) -> Item:
    assert alert is not None
    [item] = alert.items
    return item


async def test_the_first_death_of_a_cause_is_due_at_once(alert_log: AlertLog) -> None:
    failure = await alert_log.die(message_id="m-1")

    item = only(await alert_log.claim())

    incident = item.incident
    assert (item.news, item.new, item.since) == (News.NEW, 1, NOON)
    assert (incident.key, incident.name, incident.what) == (failure.cause.key, "email.send", "RecipientRefused")
    assert (incident.text, incident.total, incident.unsettled, incident.message_ids) == (failure.error, 1, 1, ("m-1",))


async def test_of_those_who_claim_at_once_one_gets_the_alert(alert_log: AlertLog) -> None:
    await alert_log.die()

    claims = await asyncio.gather(*(alert_log.claim() for _ in range(5)))

    assert sum(claim is not None for claim in claims) == 1


async def test_deaths_recorded_at_once_are_all_counted(alert_log: AlertLog) -> None:
    await asyncio.gather(*(alert_log.die() for _ in range(20)))

    item = only(await alert_log.claim())

    assert (item.new, item.incident.total, len(item.incident.message_ids)) == (20, 20, 3)


async def test_more_of_it_is_due_when_the_interval_is_over(alert_log: AlertLog) -> None:
    await alert_log.die()
    assert await alert_log.told() == [(News.NEW, 1)]
    for _ in range(4):
        await alert_log.die()

    alert_log.now = NOON + INTERVAL - timedelta(seconds=1)
    assert await alert_log.told() == []
    alert_log.now = NOON + INTERVAL
    item = only(await alert_log.claim())

    assert (item.news, item.new, item.incident.total, item.since) == (News.MORE, 4, 5, NOON)


async def test_a_cause_without_new_deaths_is_not_told_again(alert_log: AlertLog) -> None:
    await alert_log.die()
    await alert_log.told()

    alert_log.now += 10 * INTERVAL

    assert await alert_log.told() == []


async def test_what_more_came_of_several_causes_is_one_message(alert_log: AlertLog) -> None:
    for _ in range(2):
        for error_type in ("A", "B", "C"):
            await alert_log.die(error_type=error_type)
        if alert_log.now == NOON:
            assert len(await alert_log.told_alerts()) == 3
        alert_log.now += timedelta(minutes=1)
    alert_log.now = NOON + INTERVAL

    [digest] = await alert_log.told_alerts()

    assert [(item.news, item.new) for item in digest.items] == [(News.MORE, 1)] * 3
    assert await alert_log.told() == []


async def test_causes_that_were_first_told_one_after_the_other_share_a_digest(alert_log: AlertLog) -> None:
    for error_type in ("A", "B"):
        await alert_log.die(error_type=error_type)
        await alert_log.told()
        await alert_log.die(error_type=error_type)
        alert_log.now += timedelta(seconds=20)
    alert_log.now = NOON + INTERVAL

    [digest] = await alert_log.told_alerts()

    assert len(digest.items) == 2


async def test_deaths_recorded_while_it_was_being_told_are_not_lost(alert_log: AlertLog) -> None:
    await alert_log.die()
    alert = await alert_log.claim()
    assert alert is not None
    await alert_log.die()

    await alert_log.news.told(alert, alert_log.now)
    alert_log.now += INTERVAL

    assert await alert_log.told() == [(News.MORE, 1)]


@pytest.mark.parametrize("is_digest", [False, True])
async def test_an_alert_that_was_put_off_comes_back_with_its_tries(alert_log: AlertLog, is_digest: bool) -> None:
    await alert_log.die()
    if is_digest:
        await alert_log.told()
        await alert_log.die()
        alert_log.now += INTERVAL
    alert = await alert_log.claim()
    assert alert is not None
    until = alert_log.now + timedelta(seconds=30)

    await alert_log.news.put_off(alert, until)
    alert_log.now = until - timedelta(seconds=1)
    assert await alert_log.claim() is None
    alert_log.now = until
    again = await alert_log.claim()

    assert again is not None
    assert (again.tries, again.items[0].new, again.is_digest) == (1, 1, is_digest)


async def test_a_claim_whose_holder_died_runs_out(alert_log: AlertLog) -> None:
    await alert_log.die()
    dead = await alert_log.claim()
    assert dead is not None

    alert_log.now = NOON + LEASE / 2
    assert await alert_log.claim() is None
    alert_log.now = NOON + LEASE
    taken_over = await alert_log.claim()

    assert taken_over is not None
    await alert_log.news.put_off(dead, alert_log.now + timedelta(days=1))  # who lost the claim changes nothing any more
    await alert_log.news.told(taken_over, alert_log.now)
    assert await alert_log.claim() is None


async def test_a_group_that_was_resolved_is_told_so_once(alert_log: AlertLog) -> None:
    await alert_log.die(message_id="m-1")
    await alert_log.told()
    await alert_log.failures.settle(Settlement("email.send", "m-1", replays=1))

    assert await alert_log.told() == [(News.RESOLVED, 0)]
    assert await alert_log.told() == []


async def test_a_death_in_a_resolved_group_is_told_at_once(alert_log: AlertLog) -> None:
    await alert_log.die(message_id="m-1")
    await alert_log.told()
    await alert_log.failures.settle(Settlement("email.send", "m-1", replays=1))
    await alert_log.told()

    await alert_log.die(message_id="m-2")

    assert await alert_log.told() == [(News.CAME_BACK, 1)]


async def test_a_message_that_dies_again_after_its_replay_neither_resolves_its_group_nor_comes_back(
    alert_log: AlertLog,
) -> None:
    failure = await alert_log.die(message_id="m-1")
    await alert_log.told()
    again = replace(failure, death="later", replays=1, failed_at=NOON + timedelta(minutes=2))
    await alert_log.failures.record(again)
    await alert_log.failures.settle(Settlement("email.send", "m-1", replays=1))

    assert await alert_log.told() == []


async def test_a_message_that_dies_of_another_cause_leaves_its_first_group(alert_log: AlertLog) -> None:
    failure = await alert_log.die(message_id="m-1")
    await alert_log.told()
    other = make_failure(message_id="m-1", error_type="Other", replays=1, death="later", failed_at=failure.failed_at)
    await alert_log.failures.record(other)

    assert sorted(await alert_log.told()) == [(News.NEW, 1), (News.RESOLVED, 0)]


async def test_a_group_that_was_never_told_is_not_resolved_loudly(alert_log: AlertLog) -> None:
    await alert_log.die(message_id="m-1")
    await alert_log.failures.settle(Settlement("email.send", "m-1", replays=1))

    assert await alert_log.told() == []


async def test_of_a_muted_group_nothing_is_told_until_its_time_is_over(alert_log: AlertLog) -> None:
    failure = await alert_log.die()
    await alert_log.told()
    await alert_log.incidents.silence(failure.cause.key, NOON + timedelta(hours=2), by="ada", reason="known")
    await alert_log.die()

    alert_log.now = NOON + timedelta(hours=1)
    assert await alert_log.told() == []
    alert_log.now = NOON + timedelta(hours=2)
    assert await alert_log.told() == [(News.MORE, 1)]


async def test_a_group_that_a_person_resolved_comes_back_with_the_next_death(alert_log: AlertLog) -> None:
    failure = await alert_log.die(message_id="m-1")
    await alert_log.told()
    await alert_log.incidents.resolve(failure.cause.key, by="ada", now=alert_log.now)

    [alert] = await alert_log.told_alerts()
    assert (alert.items[0].news, alert.items[0].incident.closed_by) == (News.RESOLVED, "ada")
    await alert_log.failures.settle(Settlement("email.send", "m-1", replays=1))
    assert await alert_log.told() == []
    await alert_log.die()
    assert await alert_log.told() == [(News.CAME_BACK, 1)]


async def test_who_is_told_and_how_often_is_up_to_the_first_rule_that_matches(alert_log: AlertLog) -> None:
    rules = [
        Rule(queue="email.*", error="Known*", drop=True),
        Rule(queue="email.*", to=["mail"], interval=timedelta(hours=1)),
    ]
    alert_log.use(replace(RULES, channels=("slack", "mail"), rules=rules))
    for error_type in ("KnownBug", "Other"):
        await alert_log.die(error_type=error_type)
    await alert_log.die(queue="sms.send")

    assert [alert.items[0].incident.name for alert in await alert_log.told_alerts("slack")] == ["sms.send"]
    [told, _sms] = await alert_log.told_alerts("mail")
    assert told.items[0].incident.what == "Other"
    await alert_log.die(error_type="Other")
    alert_log.now += INTERVAL
    assert await alert_log.told("mail") == []
    alert_log.now = NOON + timedelta(hours=1)
    assert await alert_log.told("mail") == [(News.MORE, 1)]


async def test_what_stays_open_is_told_to_others_once(alert_log: AlertLog) -> None:
    escalation = Escalation(after=timedelta(minutes=30), to=["slack", "pager"])
    alert_log.use(replace(RULES, channels=("slack", "pager"), rules=[Rule(to=["slack"], escalate=escalation)]))
    await alert_log.die(message_id="m-1")
    await alert_log.told()

    alert_log.now = NOON + timedelta(minutes=29)
    assert await alert_log.told("pager") == []
    alert_log.now = NOON + timedelta(minutes=30)
    assert [news for news, _ in await alert_log.told("pager")] == [News.ESCALATED]
    assert [news for news, _ in await alert_log.told("slack")] == [News.ESCALATED]
    await alert_log.failures.settle(Settlement("email.send", "m-1", replays=1))

    assert [news for news, _ in await alert_log.told("pager")] == [News.RESOLVED]
    assert [news for news, _ in await alert_log.told("slack")] == [News.RESOLVED]


async def test_what_was_resolved_in_time_is_not_escalated(alert_log: AlertLog) -> None:
    escalation = Escalation(after=timedelta(minutes=30), to=["pager"])
    alert_log.use(replace(RULES, channels=("slack", "pager"), rules=[Rule(to=["slack"], escalate=escalation)]))
    await alert_log.die(message_id="m-1")
    await alert_log.failures.settle(Settlement("email.send", "m-1", replays=1))

    alert_log.now += timedelta(hours=1)

    assert await alert_log.told("pager") == []


async def test_a_condition_is_told_when_it_begins_and_when_it_has_cleared(alert_log: AlertLog) -> None:
    condition = make_condition()
    await alert_log.conditions.observe("broker", [condition], alert_log.now)
    item = only(await alert_log.claim())
    assert (item.news, item.incident.text, item.incident.severity) == (News.NEW, condition.text, condition.severity)
    alert_log.now += LEASE
    assert await alert_log.told() == [(News.NEW, 1)]

    for _ in range(3):
        alert_log.now += timedelta(minutes=10)
        await alert_log.conditions.observe("broker", [replace(condition, text="other figures")], alert_log.now)
        await alert_log.conditions.observe("another", [], alert_log.now)
        assert await alert_log.told() == []
    await alert_log.conditions.observe("broker", [], alert_log.now)
    assert await alert_log.told() == []
    alert_log.now += SETTLING

    assert await alert_log.told() == [(News.CLEARED, 0)]
    await alert_log.conditions.observe("broker", [condition], alert_log.now)
    assert await alert_log.told() == [(News.CAME_BACK, 1)]


async def test_a_condition_that_one_of_two_watchers_misses_for_a_moment_lasts(alert_log: AlertLog) -> None:
    await alert_log.conditions.observe("broker", [make_condition()], alert_log.now)
    await alert_log.told()

    for _ in range(10):
        alert_log.now += timedelta(seconds=5)
        await alert_log.conditions.observe("broker", [], alert_log.now)
        alert_log.now += timedelta(seconds=5)
        await alert_log.conditions.observe("broker", [make_condition()], alert_log.now)
        assert await alert_log.told() == []


async def test_a_muted_condition_is_silent(alert_log: AlertLog) -> None:
    await alert_log.conditions.observe("broker", [make_condition()], alert_log.now)
    [incident] = await alert_log.incidents.all(alert_log.now)
    await alert_log.incidents.silence(incident.key, NOON + timedelta(hours=1), by="ada", reason="")

    assert await alert_log.told() == []


async def test_a_trend_tells_the_last_hour_from_the_one_before(alert_log: AlertLog) -> None:
    for minutes in (0, 20, 70, 75, 80):
        alert_log.now = NOON + timedelta(minutes=minutes)
        await alert_log.die()
    alert_log.now = NOON + timedelta(minutes=100)

    incident = only(await alert_log.claim()).incident

    assert (incident.last_hour, incident.hour_before) == (3, 2)


async def test_of_counted_samples_the_newest_are_kept(alert_log: AlertLog) -> None:
    alert_log.failures = SqlFailureLog(alert_log.database, RULES, samples=5, clock=lambda: alert_log.now)
    for number in range(12):
        alert_log.now = NOON + timedelta(seconds=number)
        await alert_log.die(message_id=f"m-{number}")
    await asyncio.gather(*(alert_log.die(error_type="Other") for _ in range(30)))

    shown = {incident.what: incident for incident in await alert_log.incidents.all(alert_log.now)}

    assert {what: incident.total for what, incident in shown.items()} == {"RecipientRefused": 12, "Other": 30}
    kept = await alert_log.incidents.messages(shown["RecipientRefused"].key)
    assert [message["message_id"] for message in kept] == ["m-11", "m-10", "m-9", "m-8", "m-7"]
    assert len(await alert_log.incidents.messages(shown["Other"].key)) == 5

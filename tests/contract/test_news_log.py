"""What is due on a channel, and when: on SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.alerting.failures import Settlement
from services.alerting.news import Alert, Item, News
from services.alerting.rules import Escalation, Rule
from services.alerting.sql_due import SETTLING
from services.alerting.sql_failures import SqlFailureLog
from tests.support.alert_desk import INTERVAL, LEASE, RULES, Desk
from tests.support.alerting import NOON, make_condition, make_failure


def only(alert: Alert | None) -> Item:
    assert alert is not None
    [item] = alert.items
    return item


async def test_the_first_death_of_a_cause_is_due_at_once(desk: Desk) -> None:
    failure = await desk.die(message_id="m-1")

    item = only(await desk.claim())

    concern = item.concern
    assert (item.news, item.new, item.since) == (News.NEW, 1, NOON)
    assert (concern.key, concern.name, concern.what) == (failure.cause.key, "email.send", "RecipientRefused")
    assert (concern.text, concern.total, concern.unsettled, concern.message_ids) == (failure.error, 1, 1, ("m-1",))


async def test_of_those_who_claim_at_once_one_gets_the_alert(desk: Desk) -> None:
    await desk.die()

    claims = await asyncio.gather(*(desk.claim() for _ in range(5)))

    assert sum(claim is not None for claim in claims) == 1


async def test_deaths_recorded_at_once_are_all_counted(desk: Desk) -> None:
    await asyncio.gather(*(desk.die() for _ in range(20)))

    item = only(await desk.claim())

    assert (item.new, item.concern.total, len(item.concern.message_ids)) == (20, 20, 3)


async def test_more_of_it_is_due_when_the_interval_is_over(desk: Desk) -> None:
    await desk.die()
    assert await desk.told() == [(News.NEW, 1)]
    for _ in range(4):
        await desk.die()

    desk.now = NOON + INTERVAL - timedelta(seconds=1)
    assert await desk.told() == []
    desk.now = NOON + INTERVAL
    item = only(await desk.claim())

    assert (item.news, item.new, item.concern.total, item.since) == (News.MORE, 4, 5, NOON)


async def test_a_cause_without_new_deaths_is_not_told_again(desk: Desk) -> None:
    await desk.die()
    await desk.told()

    desk.now += 10 * INTERVAL

    assert await desk.told() == []


async def test_what_more_came_of_several_causes_is_one_message(desk: Desk) -> None:
    for _ in range(2):
        for error_type in ("A", "B", "C"):
            await desk.die(error_type=error_type)
        if desk.now == NOON:
            assert len(await desk.told_alerts()) == 3
        desk.now += timedelta(minutes=1)
    desk.now = NOON + INTERVAL

    [digest] = await desk.told_alerts()

    assert [(item.news, item.new) for item in digest.items] == [(News.MORE, 1)] * 3
    assert await desk.told() == []


async def test_causes_that_were_first_told_one_after_the_other_share_a_digest(desk: Desk) -> None:
    for error_type in ("A", "B"):
        await desk.die(error_type=error_type)
        await desk.told()
        await desk.die(error_type=error_type)
        desk.now += timedelta(seconds=20)
    desk.now = NOON + INTERVAL

    [digest] = await desk.told_alerts()

    assert len(digest.items) == 2


async def test_deaths_recorded_while_it_was_being_told_are_not_lost(desk: Desk) -> None:
    await desk.die()
    alert = await desk.claim()
    assert alert is not None
    await desk.die()

    await desk.news.told(alert, desk.now)
    desk.now += INTERVAL

    assert await desk.told() == [(News.MORE, 1)]


@pytest.mark.parametrize("is_digest", [False, True])
async def test_an_alert_that_was_put_off_comes_back_with_its_tries(desk: Desk, is_digest: bool) -> None:
    await desk.die()
    if is_digest:
        await desk.told()
        await desk.die()
        desk.now += INTERVAL
    alert = await desk.claim()
    assert alert is not None
    until = desk.now + timedelta(seconds=30)

    await desk.news.put_off(alert, until)
    desk.now = until - timedelta(seconds=1)
    assert await desk.claim() is None
    desk.now = until
    again = await desk.claim()

    assert again is not None
    assert (again.tries, again.items[0].new, again.is_digest) == (1, 1, is_digest)


async def test_a_claim_whose_holder_died_runs_out(desk: Desk) -> None:
    await desk.die()
    dead = await desk.claim()
    assert dead is not None

    desk.now = NOON + LEASE / 2
    assert await desk.claim() is None
    desk.now = NOON + LEASE
    taken_over = await desk.claim()

    assert taken_over is not None
    await desk.news.put_off(dead, desk.now + timedelta(days=1))  # who lost the claim changes nothing any more
    await desk.news.told(taken_over, desk.now)
    assert await desk.claim() is None


async def test_a_group_that_was_resolved_is_told_so_once(desk: Desk) -> None:
    await desk.die(message_id="m-1")
    await desk.told()
    await desk.failures.settle(Settlement("email.send", "m-1", replays=1))

    assert await desk.told() == [(News.RESOLVED, 0)]
    assert await desk.told() == []


async def test_a_death_in_a_resolved_group_is_told_at_once(desk: Desk) -> None:
    await desk.die(message_id="m-1")
    await desk.told()
    await desk.failures.settle(Settlement("email.send", "m-1", replays=1))
    await desk.told()

    await desk.die(message_id="m-2")

    assert await desk.told() == [(News.CAME_BACK, 1)]


async def test_a_message_that_dies_again_after_its_replay_neither_resolves_its_group_nor_comes_back(desk: Desk) -> None:
    failure = await desk.die(message_id="m-1")
    await desk.told()
    again = replace(failure, death="later", replays=1, failed_at=NOON + timedelta(minutes=2))
    await desk.failures.record(again)
    await desk.failures.settle(Settlement("email.send", "m-1", replays=1))

    assert await desk.told() == []


async def test_a_message_that_dies_of_another_cause_leaves_its_first_group(desk: Desk) -> None:
    failure = await desk.die(message_id="m-1")
    await desk.told()
    other = make_failure(message_id="m-1", error_type="Other", replays=1, death="later", failed_at=failure.failed_at)
    await desk.failures.record(other)

    assert sorted(await desk.told()) == [(News.NEW, 1), (News.RESOLVED, 0)]


async def test_a_group_that_was_never_told_is_not_resolved_loudly(desk: Desk) -> None:
    await desk.die(message_id="m-1")
    await desk.failures.settle(Settlement("email.send", "m-1", replays=1))

    assert await desk.told() == []


async def test_of_a_muted_group_nothing_is_told_until_its_time_is_over(desk: Desk) -> None:
    failure = await desk.die()
    await desk.told()
    await desk.groups.mute(failure.cause.key, NOON + timedelta(hours=2), by="ada", reason="known")
    await desk.die()

    desk.now = NOON + timedelta(hours=1)
    assert await desk.told() == []
    desk.now = NOON + timedelta(hours=2)
    assert await desk.told() == [(News.MORE, 1)]


async def test_a_group_that_a_person_resolved_comes_back_with_the_next_death(desk: Desk) -> None:
    failure = await desk.die(message_id="m-1")
    await desk.told()
    await desk.groups.resolve(failure.cause.key, by="ada", now=desk.now)

    [alert] = await desk.told_alerts()
    assert (alert.items[0].news, alert.items[0].concern.closed_by) == (News.RESOLVED, "ada")
    await desk.failures.settle(Settlement("email.send", "m-1", replays=1))
    assert await desk.told() == []
    await desk.die()
    assert await desk.told() == [(News.CAME_BACK, 1)]


async def test_who_is_told_and_how_often_is_up_to_the_first_rule_that_matches(desk: Desk) -> None:
    rules = [
        Rule(queue="email.*", error="Known*", drop=True),
        Rule(queue="email.*", to=["mail"], interval=timedelta(hours=1)),
    ]
    desk.use(replace(RULES, channels=("slack", "mail"), rules=rules))
    for error_type in ("KnownBug", "Other"):
        await desk.die(error_type=error_type)
    await desk.die(queue="sms.send")

    assert [alert.items[0].concern.name for alert in await desk.told_alerts("slack")] == ["sms.send"]
    [told, _sms] = await desk.told_alerts("mail")
    assert told.items[0].concern.what == "Other"
    await desk.die(error_type="Other")
    desk.now += INTERVAL
    assert await desk.told("mail") == []
    desk.now = NOON + timedelta(hours=1)
    assert await desk.told("mail") == [(News.MORE, 1)]


async def test_what_stays_open_is_told_to_others_once(desk: Desk) -> None:
    escalation = Escalation(after=timedelta(minutes=30), to=["slack", "pager"])
    desk.use(replace(RULES, channels=("slack", "pager"), rules=[Rule(to=["slack"], escalate=escalation)]))
    await desk.die(message_id="m-1")
    await desk.told()

    desk.now = NOON + timedelta(minutes=29)
    assert await desk.told("pager") == []
    desk.now = NOON + timedelta(minutes=30)
    assert [news for news, _ in await desk.told("pager")] == [News.ESCALATED]
    assert [news for news, _ in await desk.told("slack")] == [News.ESCALATED]
    await desk.failures.settle(Settlement("email.send", "m-1", replays=1))

    assert [news for news, _ in await desk.told("pager")] == [News.RESOLVED]
    assert [news for news, _ in await desk.told("slack")] == [News.RESOLVED]


async def test_what_was_resolved_in_time_is_not_escalated(desk: Desk) -> None:
    escalation = Escalation(after=timedelta(minutes=30), to=["pager"])
    desk.use(replace(RULES, channels=("slack", "pager"), rules=[Rule(to=["slack"], escalate=escalation)]))
    await desk.die(message_id="m-1")
    await desk.failures.settle(Settlement("email.send", "m-1", replays=1))

    desk.now += timedelta(hours=1)

    assert await desk.told("pager") == []


async def test_a_condition_is_told_when_it_begins_and_when_it_has_cleared(desk: Desk) -> None:
    condition = make_condition()
    await desk.conditions.observe("broker", [condition], desk.now)
    item = only(await desk.claim())
    assert (item.news, item.concern.text, item.concern.severity) == (News.NEW, condition.text, condition.severity)
    desk.now += LEASE
    assert await desk.told() == [(News.NEW, 1)]

    for _ in range(3):
        desk.now += timedelta(minutes=10)
        await desk.conditions.observe("broker", [replace(condition, text="other figures")], desk.now)
        await desk.conditions.observe("another", [], desk.now)
        assert await desk.told() == []
    await desk.conditions.observe("broker", [], desk.now)
    assert await desk.told() == []
    desk.now += SETTLING

    assert await desk.told() == [(News.CLEARED, 0)]
    await desk.conditions.observe("broker", [condition], desk.now)
    assert await desk.told() == [(News.CAME_BACK, 1)]


async def test_a_condition_that_one_of_two_watchers_misses_for_a_moment_lasts(desk: Desk) -> None:
    await desk.conditions.observe("broker", [make_condition()], desk.now)
    await desk.told()

    for _ in range(10):
        desk.now += timedelta(seconds=5)
        await desk.conditions.observe("broker", [], desk.now)
        desk.now += timedelta(seconds=5)
        await desk.conditions.observe("broker", [make_condition()], desk.now)
        assert await desk.told() == []


async def test_a_muted_condition_is_silent(desk: Desk) -> None:
    await desk.conditions.observe("broker", [make_condition()], desk.now)
    [concern] = await desk.groups.all(desk.now)
    await desk.groups.mute(concern.key, NOON + timedelta(hours=1), by="ada", reason="")

    assert await desk.told() == []


async def test_a_trend_tells_the_last_hour_from_the_one_before(desk: Desk) -> None:
    for minutes in (0, 20, 70, 75, 80):
        desk.now = NOON + timedelta(minutes=minutes)
        await desk.die()
    desk.now = NOON + timedelta(minutes=100)

    concern = only(await desk.claim()).concern

    assert (concern.last_hour, concern.hour_before) == (3, 2)


async def test_of_counted_samples_the_newest_are_kept(desk: Desk) -> None:
    desk.failures = SqlFailureLog(desk.database, RULES, samples=5, clock=lambda: desk.now)
    for number in range(12):
        desk.now = NOON + timedelta(seconds=number)
        await desk.die(message_id=f"m-{number}")
    await asyncio.gather(*(desk.die(error_type="Other") for _ in range(30)))

    shown = {concern.what: concern for concern in await desk.groups.all(desk.now)}

    assert {what: concern.total for what, concern in shown.items()} == {"RecipientRefused": 12, "Other": 30}
    kept = await desk.groups.messages(shown["RecipientRefused"].key)
    assert [message["message_id"] for message in kept] == ["m-11", "m-10", "m-9", "m-8", "m-7"]
    assert len(await desk.groups.messages(shown["Other"].key)) == 5

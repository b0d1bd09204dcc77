"""Silences, rules, escalations and conditions: what is due then, on SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from postroom_alerting.incidents.sql_conditions import SETTLING
from postroom_alerting.intake.failures import FailureSettlement
from postroom_alerting.intake.sql_failures import SqlFailureLog
from postroom_alerting.notify.notifications import Reason
from postroom_alerting.rules.routes import Escalation, Rule
from tests.support.alerting import NOON, make_condition
from tests.support.alerting_harness import INTERVAL, LEASE, RULES, AlertingHarness, only


async def test_nothing_is_sent_of_a_silenced_group_until_its_silence_is_over(harness: AlertingHarness) -> None:
    failure = await harness.die()
    await harness.sent()
    await harness.incidents.silence(failure.cause.key, NOON + timedelta(hours=2), by="ada", reason="known")
    await harness.die()

    harness.now = NOON + timedelta(hours=1)
    assert await harness.sent() == []
    harness.now = NOON + timedelta(hours=2)
    assert await harness.sent() == [(Reason.MORE, 1)]


async def test_a_group_that_a_person_resolved_comes_back_with_the_next_death(harness: AlertingHarness) -> None:
    failure = await harness.die(message_id="m-1")
    await harness.sent()
    await harness.incidents.resolve(failure.cause.key, by="ada", now=harness.now)

    [due] = await harness.sent_notifications()
    assert (due.updates[0].reason, due.updates[0].incident.closed_by) == (Reason.RESOLVED, "ada")
    await harness.failures.settle(FailureSettlement("email.send", "m-1", replays=1))
    assert await harness.sent() == []
    await harness.die()
    assert await harness.sent() == [(Reason.CAME_BACK, 1)]


async def test_the_first_rule_that_matches_decides_where_and_how_often_it_is_sent(harness: AlertingHarness) -> None:
    rules = [
        Rule(queue="email.*", error="Known*", drop=True),
        Rule(queue="email.*", to=["mail"], interval=timedelta(hours=1)),
    ]
    harness.use(replace(RULES, channels=("slack", "mail"), rules=rules))
    for error_type in ("KnownBug", "Other"):
        await harness.die(error_type=error_type)
    await harness.die(queue="sms.send")

    assert [due.updates[0].incident.name for due in await harness.sent_notifications("slack")] == ["sms.send"]
    [sent, _sms] = await harness.sent_notifications("mail")
    assert sent.updates[0].incident.what == "Other"
    await harness.die(error_type="Other")
    harness.now += INTERVAL
    assert await harness.sent("mail") == []
    harness.now = NOON + timedelta(hours=1)
    assert await harness.sent("mail") == [(Reason.MORE, 1)]


async def test_what_stays_open_is_escalated_once(harness: AlertingHarness) -> None:
    escalation = Escalation(after=timedelta(minutes=30), to=["slack", "pager"])
    harness.use(replace(RULES, channels=("slack", "pager"), rules=[Rule(to=["slack"], escalate=escalation)]))
    await harness.die(message_id="m-1")
    await harness.sent()

    harness.now = NOON + timedelta(minutes=29)
    assert await harness.sent("pager") == []
    harness.now = NOON + timedelta(minutes=30)
    assert [reason for reason, _ in await harness.sent("pager")] == [Reason.ESCALATED]
    assert [reason for reason, _ in await harness.sent("slack")] == [Reason.ESCALATED]
    await harness.failures.settle(FailureSettlement("email.send", "m-1", replays=1))

    assert [reason for reason, _ in await harness.sent("pager")] == [Reason.RESOLVED]
    assert [reason for reason, _ in await harness.sent("slack")] == [Reason.RESOLVED]


async def test_what_was_resolved_in_time_is_not_escalated(harness: AlertingHarness) -> None:
    escalation = Escalation(after=timedelta(minutes=30), to=["pager"])
    harness.use(replace(RULES, channels=("slack", "pager"), rules=[Rule(to=["slack"], escalate=escalation)]))
    await harness.die(message_id="m-1")
    await harness.failures.settle(FailureSettlement("email.send", "m-1", replays=1))

    harness.now += timedelta(hours=1)

    assert await harness.sent("pager") == []


async def test_a_condition_is_sent_when_it_begins_and_when_it_has_cleared(harness: AlertingHarness) -> None:
    condition = make_condition()
    await harness.conditions.observe("broker", [condition], harness.now)
    update = only(await harness.claim())
    assert (update.reason, update.incident.text, update.incident.severity) == (
        Reason.NEW,
        condition.text,
        condition.severity,
    )
    harness.now += LEASE
    assert await harness.sent() == [(Reason.NEW, 1)]

    for _ in range(3):
        harness.now += timedelta(minutes=10)
        await harness.conditions.observe("broker", [replace(condition, text="other figures")], harness.now)
        await harness.conditions.observe("another", [], harness.now)
        assert await harness.sent() == []
    await harness.conditions.observe("broker", [], harness.now)
    assert await harness.sent() == []
    harness.now += SETTLING

    assert await harness.sent() == [(Reason.CLEARED, 0)]
    await harness.conditions.observe("broker", [condition], harness.now)
    assert await harness.sent() == [(Reason.CAME_BACK, 1)]


async def test_a_condition_that_one_of_two_replicas_misses_for_a_moment_lasts(harness: AlertingHarness) -> None:
    await harness.conditions.observe("broker", [make_condition()], harness.now)
    await harness.sent()

    for _ in range(10):
        harness.now += timedelta(seconds=5)
        await harness.conditions.observe("broker", [], harness.now)
        harness.now += timedelta(seconds=5)
        await harness.conditions.observe("broker", [make_condition()], harness.now)
        assert await harness.sent() == []


async def test_nothing_is_sent_of_a_silenced_condition(harness: AlertingHarness) -> None:
    await harness.conditions.observe("broker", [make_condition()], harness.now)
    [incident] = await harness.incidents.all(harness.now)
    await harness.incidents.silence(incident.key, NOON + timedelta(hours=1), by="ada", reason="")

    assert await harness.sent() == []


async def test_a_trend_compares_the_last_hour_with_the_one_before(harness: AlertingHarness) -> None:
    for minutes in (0, 20, 70, 75, 80):
        harness.now = NOON + timedelta(minutes=minutes)
        await harness.die()
    harness.now = NOON + timedelta(minutes=100)

    incident = only(await harness.claim()).incident

    assert (incident.last_hour, incident.hour_before) == (3, 2)


async def test_of_counted_samples_the_newest_are_kept(harness: AlertingHarness) -> None:
    harness.failures = SqlFailureLog(harness.database, RULES, samples=5, clock=lambda: harness.now)
    for number in range(12):
        harness.now = NOON + timedelta(seconds=number)
        await harness.die(message_id=f"m-{number}")
    await asyncio.gather(*(harness.die(error_type="Other") for _ in range(30)))

    shown = {incident.what: incident for incident in await harness.incidents.all(harness.now)}

    assert {what: incident.total for what, incident in shown.items()} == {"RecipientRefused": 12, "Other": 30}
    kept = await harness.incidents.messages(shown["RecipientRefused"].key)
    assert [message["message_id"] for message in kept] == ["m-11", "m-10", "m-9", "m-8", "m-7"]
    assert len(await harness.incidents.messages(shown["Other"].key)) == 5

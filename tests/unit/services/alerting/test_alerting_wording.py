"""What an alert says."""

from datetime import timedelta

import pytest

from postroom_alerting.classification import IncidentSeverity, IncidentType
from postroom_alerting.notify.notifications import Reason
from postroom_alerting.notify.wording import Links, render_notification
from tests.support.alerting import NOON, make_due, make_incident, make_update


def test_the_first_alert_of_a_cause_says_what_where_since_when_and_what_to_type() -> None:
    alert = make_due()

    notification = render_notification(alert)

    assert notification.title == "email.send: RecipientRefused, 3 messages"
    assert notification.body.splitlines() == [
        "Error: a•••@example.com: 550 5.1.1 no such user",
        "Queue: email.send.dead",
        "Messages: m-1, m-2, m-3",
        "Since: 2026-03-01 12:00:00 UTC, last 2026-03-01 12:01:00 UTC",
        "",
        "postroom dead show email.send.dead --id m-1",
        "postroom dead replay email.send.dead --id m-1",
        "postroom dead replay email.send.dead --group 8104064110",
        "postroom alerts mute 8104064110 --for 2h",
    ]


def test_a_single_message_is_one_message() -> None:
    assert render_notification(make_due(make_update(new=1))).title.endswith(", 1 message")


def test_the_next_alert_says_how_many_more_and_how_many_in_all() -> None:
    incident = make_incident(total=15, unsettled=14)
    update = make_update(incident, reason=Reason.MORE, new=12, since=NOON + timedelta(minutes=2))

    notification = render_notification(make_due(update))

    assert notification.title == "email.send: RecipientRefused, 12 more messages"
    assert "Messages: m-1, m-2, m-3 and 9 more" in notification.body
    assert "Since: 2026-03-01 12:02:00 UTC" in notification.body
    assert "In all: 15 since 2026-03-01 12:00:00 UTC, 14 dead now" in notification.body


def test_jobs_that_no_queue_takes_wait_in_unrouted() -> None:
    notification = render_notification(make_due(make_update(make_incident(name="unrouted", what="Unrouted"))))

    assert "Queue: unrouted\n" in notification.body
    assert "postroom dead replay unrouted --id m-1" in notification.body


@pytest.mark.parametrize("message_id", ["ada@example.com", "a b", "x;rm -rf", "$(id)", "-rf", "a\nb", ""])
def test_an_id_that_has_an_address_in_it_or_cannot_be_pasted_is_not_in_a_command(message_id: str) -> None:
    alert = make_due(make_update(make_incident(total=1, message_ids=(message_id,)), new=1))

    commands = render_notification(alert).body.split("\n\n")[1]

    assert commands.splitlines() == [
        "postroom dead show email.send.dead --group 8104064110",
        "postroom dead replay email.send.dead --group 8104064110",
        "postroom alerts mute 8104064110 --for 2h",
    ]
    assert "ada@" not in render_notification(alert).body


def test_titles_and_errors_have_an_end() -> None:
    notification = render_notification(
        make_due(make_update(make_incident(text="x" * 5000, name="q" * 255, what="E" * 255)))
    )

    assert len(notification.title) <= 200
    assert len(notification.body) < 2500
    assert "\n" not in notification.title


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        (Reason.CAME_BACK, "email.send: RecipientRefused came back, 3 messages"),
        (
            Reason.ESCALATED,
            "email.send: RecipientRefused is still open since 2026-03-01 12:00:00 UTC, 3 messages",
        ),
        (Reason.RESOLVED, "email.send: RecipientRefused resolved: none of its messages is dead any more"),
    ],
)
def test_a_title_says_what_happened(reason: Reason, title: str) -> None:
    assert render_notification(make_due(make_update(reason=reason))).title == title


def test_what_a_person_resolved_says_who() -> None:
    incident = make_incident(is_open=False, closed_by="ada")

    notification = render_notification(make_due(make_update(incident, reason=Reason.RESOLVED)))

    assert notification.title == "email.send: RecipientRefused resolved by ada"
    assert not notification.commands


def test_a_condition_says_what_is_wrong_and_what_to_do() -> None:
    incident = make_incident(
        about=IncidentType.CONDITION,
        what="queue-without-consumers",
        severity=IncidentSeverity.CRITICAL,
        text="40 messages wait",
        advice="python -m postroom_email",
    )

    notification = render_notification(make_due(make_update(incident)))
    cleared = render_notification(make_due(make_update(incident, reason=Reason.CLEARED)))

    assert notification.title == "email.send: queue-without-consumers"
    assert notification.facts == (("What", "40 messages wait"), ("Since", "2026-03-01 12:00:00 UTC"))
    assert notification.commands == ("python -m postroom_email", "postroom alerts mute 8104064110 --for 2h")
    assert cleared.title == "email.send: queue-without-consumers cleared"


def test_a_digest_is_one_message_of_its_gravest_severity() -> None:
    grave = make_update(
        make_incident(key="b", name="sms.send", severity=IncidentSeverity.CRITICAL),
        reason=Reason.MORE,
        new=5,
    )

    notification = render_notification(make_due(make_update(reason=Reason.MORE, new=40), grave))

    assert notification.title == "45 more messages of 2 causes"
    assert notification.severity is IncidentSeverity.CRITICAL
    assert notification.facts[1] == ("sms.send: RecipientRefused", "5 more messages, 3 dead, group b")
    assert [each["group"] for each in notification.details["groups"]] == ["8104064110", "b"]


def test_a_digest_says_what_is_new_what_is_still_open_and_what_is_over() -> None:
    new, back = make_update(new=2), make_update(make_incident(key="b"), reason=Reason.CAME_BACK, new=1)
    late = make_update(make_incident(key="c"), reason=Reason.ESCALATED, new=3)
    over = make_update(make_incident(key="d", severity=IncidentSeverity.CRITICAL), reason=Reason.RESOLVED, new=0)

    notification = render_notification(make_due(late, new, back, over))

    assert notification.title == "6 messages of 3 causes, 2 of them new, 1 of them still open; 1 cause resolved"
    assert [line for _, line in notification.facts] == [
        "is still open since 2026-03-01 12:00:00 UTC, 3 messages, 3 dead, group c",
        "2 messages, 3 dead, group 8104064110",
        "came back, 1 message, 3 dead, group b",
        "resolved, group d",
    ]
    assert (notification.reason, notification.severity, notification.details["new_groups"]) == (
        Reason.DIGEST,
        IncidentSeverity.WARNING,
        2,
    )


def test_a_digest_of_ends_is_a_recovery() -> None:
    cleared = make_update(make_incident(about=IncidentType.CONDITION), reason=Reason.CLEARED, new=0)

    notification = render_notification(make_due(make_update(reason=Reason.RESOLVED, new=0), cleared))

    assert notification.title == "2 causes cleared or resolved"
    assert notification.reason.is_recovery
    assert notification.details["state"] == "digest"


def test_of_a_digest_each_change_is_a_notice_of_its_own_too() -> None:
    new, more = make_update(), make_update(make_incident(key="b"), reason=Reason.MORE)
    over = make_update(make_incident(key="c"), reason=Reason.RESOLVED)

    notification = render_notification(make_due(new, more, over))

    assert notification.parts == (render_notification(make_due(new)), render_notification(make_due(over)))


def test_a_large_digest_has_an_end() -> None:
    notification = render_notification(
        make_due(*(make_update(make_incident(key=f"{number}")) for number in range(200)))
    )

    assert notification.facts[-1] == ("And", "188 more causes")
    assert len(notification.body) < 2500


def test_alerts_lead_to_the_queue_and_the_runbook() -> None:
    links = Links("https://mq.example.com/", "a/b", "https://wiki.example.com/{queue}#{error}")

    notification = render_notification(make_due(), links)

    assert notification.links == (
        ("Queue", "https://mq.example.com/#/queues/a%2Fb/email.send.dead"),
        ("Runbook", "https://wiki.example.com/email.send#RecipientRefused"),
    )


def test_a_trend_is_shown_once_there_is_one() -> None:
    notification = render_notification(make_due(make_update(make_incident(last_hour=30, hour_before=10))))

    assert ("Trend", "30 in the last hour, 10 in the hour before") in notification.facts

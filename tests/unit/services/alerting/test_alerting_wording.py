"""What an alert says."""

from datetime import timedelta

import pytest

from services.alerting.wording import notice_of
from shared.dead_letters import cause_of
from tests.support.alerting import NOON, make_alert


def test_the_first_alert_of_a_cause_says_what_where_since_when_and_what_to_type() -> None:
    alert = make_alert()

    notice = notice_of(alert)

    assert notice.title == "email.send: RecipientRefused, 3 messages"
    assert notice.body.splitlines() == [
        "Error: a•••@example.com: 550 5.1.1 no such user",
        "Queue: email.send.dead",
        "Messages: m-1, m-2, m-3",
        "Since: 2026-03-01 12:00:00 UTC, last 2026-03-01 12:01:00 UTC",
        "",
        "postroom dead show email.send.dead --id m-1",
        "postroom dead replay email.send.dead --id m-1",
        f"postroom dead replay email.send.dead --group {alert.cause.key}",
    ]


def test_a_single_message_is_one_message() -> None:
    assert notice_of(make_alert(new=1, total=1, message_ids=("m-1",))).title.endswith(", 1 message")


def test_the_next_alert_says_how_many_more_and_how_many_in_all() -> None:
    notice = notice_of(make_alert(new=12, total=15, since=NOON + timedelta(minutes=2)))

    assert notice.title == "email.send: RecipientRefused, 12 more messages"
    assert "Messages: m-1, m-2, m-3 and 9 more" in notice.body
    assert "Since: 2026-03-01 12:02:00 UTC" in notice.body
    assert "In all: 15 since 2026-03-01 12:00:00 UTC" in notice.body


def test_jobs_that_no_queue_takes_wait_in_unrouted() -> None:
    notice = notice_of(make_alert(cause=cause_of("unrouted", "Unrouted", "no queue takes a.b")))

    assert "Queue: unrouted\n" in notice.body
    assert "postroom dead replay unrouted --id m-1" in notice.body


@pytest.mark.parametrize("message_id", ["ada@example.com", "a b", "x;rm -rf", "$(id)", "-rf", "a\nb", ""])
def test_an_id_that_has_an_address_in_it_or_cannot_be_pasted_is_not_in_a_command(message_id: str) -> None:
    alert = make_alert(new=1, total=1, message_ids=(message_id,))

    commands = notice_of(alert).body.split("\n\n")[1]

    assert commands.splitlines() == [
        f"postroom dead show email.send.dead --group {alert.cause.key}",
        f"postroom dead replay email.send.dead --group {alert.cause.key}",
    ]
    assert "ada@" not in notice_of(alert).body


def test_titles_and_errors_have_an_end() -> None:
    alert = make_alert(error="x" * 5000, cause=cause_of("q" * 255, "E" * 255, "x"))

    notice = notice_of(alert)

    assert len(notice.title) <= 200
    assert len(notice.body) < 2500
    assert "\n" not in notice.title

"""What a message looks like when it is handed to the broker."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from postroom.broker.publishing import PublishOptions
from postroom.broker.publishing.outgoing import NO_OPTIONS, address, address_json
from postroom.testing import make_send_email, make_user_created
from postroom.wire.errors import InvalidPublish


def test_a_job_goes_to_jobs_and_must_be_taken() -> None:
    job = address(make_send_email(), None, NO_OPTIONS, "shop")

    assert (job.exchange, job.routing_key, job.app_id, job.mandatory) == ("jobs", "email.send", "shop", True)
    assert job.body == b'{"to":["ada@example.com"],"subject":"Your receipt","body":"Thank you."}'
    assert len(job.message_id) == 36
    assert job.to_amqp().delivery_mode == 2


def test_an_event_goes_to_events_and_may_be_ignored() -> None:
    event = address(make_user_created(), "user-7", NO_OPTIONS, "shop")

    assert (event.exchange, event.routing_key, event.mandatory) == ("events", "user.created", False)
    assert event.message_id == "user-7"


def test_each_message_has_an_id_of_its_own() -> None:
    assert len({address(make_send_email(), None, NO_OPTIONS, "shop").message_id for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        (NO_OPTIONS, {}),
        (PublishOptions(delay=timedelta(minutes=2)), {"delay-seconds": 120.0}),
        (PublishOptions(delay=timedelta(0)), {}),
        (
            PublishOptions(expires_at=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
            {"expires-at": "2026-01-01T00:00:00+01:00"},
        ),
        (
            PublishOptions(expires_at=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)),
            {"expires-at": "2026-01-01T00:00:00+00:00"},
        ),
        (
            PublishOptions(attempts=3, backoff="exponential", first_backoff=timedelta(seconds=5)),
            {"attempts": 3, "backoff": "exponential", "backoff-seconds": 5.0},
        ),
        (PublishOptions(headers={"tenant": "acme"}, attempts=1), {"tenant": "acme", "attempts": 1}),
    ],
)
def test_options_are_the_wire_s_headers(options: PublishOptions, headers: dict[str, Any]) -> None:
    assert address(make_send_email(), None, options, "shop").headers == headers


@pytest.mark.parametrize(
    ("body", "message_id", "options", "reason"),
    [
        (b"x" * 262_145, None, NO_OPTIONS, "262145 bytes, at most 262144"),
        (b"{}", "m" * 256, NO_OPTIONS, "a message id has at most 255 bytes"),
        (b"{}", None, PublishOptions(headers={"a": b"x"}), "header a error: Unknown type"),
        (b"{}", None, PublishOptions(headers={"a": object()}), "header a error: Unknown type"),
        (b"{}", None, PublishOptions(headers={"a": "x" * 70_000}), "1 headers of 70011 bytes, at most 100 of 65536"),
    ],
)
def test_what_cannot_travel_is_refused_with_a_reason(
    body: bytes, message_id: str | None, options: PublishOptions, reason: str
) -> None:
    with pytest.raises(InvalidPublish, match=f"^email.send: {reason}"):
        address_json("jobs", "email.send", body, message_id, options, "shop")

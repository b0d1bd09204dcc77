"""From a delivery to what is recorded of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from postroom import wire
from postroom.testing import make_delivery, make_user_created
from postroom.wire.messages import JobMeasured, UserCreated
from postroom.worker import Delivery
from postroom_audit.decoding import read_event, read_known

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIGURES = {"service": "s", "queue": "q", "at": "2026-03-01T12:00:00Z", "seconds": 60, "outcomes": []}


def make_event(body: bytes | UserCreated | None = None, **changes: Any) -> Delivery:
    """An event as the broker hands it to `audit.on.all`."""
    given = {"queue": "audit.on.all", "exchange": "events", "routing_key": "user.created", "timestamp": NOON}
    return make_delivery(make_user_created() if body is None else body, **given | changes)


def test_an_event_is_recorded_with_where_it_came_from() -> None:
    event = read_event(make_event(message_id="m-1", correlation_id="c-1", app_id="shop"))

    assert (event.kind, event.at, event.message_id) == ("user.created", NOON, "m-1")
    assert (event.correlation_id, event.app_id) == ("c-1", "shop")
    assert json.loads(event.body) == {"id": 7, "email": "a•••@example.com", "name": "Ada", "locale": "en"}


def test_without_a_timestamp_the_arrival_counts() -> None:
    event = read_event(make_event(timestamp=None, received_at=NOON.timestamp()))

    assert event.at == NOON


@pytest.mark.parametrize(
    "body",
    [b"not JSON", b"[1]", b"", b'{"a": "\\u0000"}', b"[" * 100, b"\xff\xfe", b'{"a": "' + b"x" * 300_000 + b'"}'],
)
def test_an_event_that_breaks_its_contract_happened_all_the_same(body: bytes) -> None:
    event = read_event(make_event(body, message_id="m-1"))

    assert (event.kind, event.message_id, event.body) == ("user.created", "m-1", "")


def test_a_cloud_event_is_recorded_by_what_is_in_it() -> None:
    body = json.dumps({"specversion": "1.0", "id": "ce-1", "type": "user.created", "data": {"id": 7}}).encode()

    event = read_event(make_event(body, message_id=None, content_type="application/cloudevents+json"))

    assert (event.kind, event.message_id, event.body) == ("user.created", "ce-1", '{"id":7}')


def test_two_long_ids_of_cloud_events_stay_two() -> None:
    ids = [read_event(_cloud_event("i" * 300 + last)).message_id for last in "ab"]

    assert ids[0] != ids[1]
    assert all(each is not None and len(each) <= 255 for each in ids)


def test_a_retried_event_keeps_its_kind() -> None:
    headers = {wire.X_EXCHANGE: "events", wire.X_ROUTING_KEY: "user.created"}

    assert read_event(make_event(exchange="delay.due", routing_key="0.audit", headers=headers)).kind == "user.created"


def test_headers_copied_from_another_message_do_not_change_the_kind() -> None:
    headers = {wire.X_EXCHANGE: "jobs", wire.X_ROUTING_KEY: "email.send"}

    assert read_event(make_event(headers=headers)).kind == "user.created"


def test_names_are_as_a_database_takes_them() -> None:
    event = read_event(make_event(routing_key="k\0", app_id="a\ud800", correlation_id="c" * 300))

    assert (event.kind, event.app_id, event.correlation_id) == ("k", "a?", "c" * 255)


def test_a_measurement_is_told_from_other_events() -> None:
    measured = read_known(make_event(json.dumps(FIGURES).encode(), routing_key="job.measured", message_id="m"))

    assert isinstance(measured, JobMeasured)
    assert (measured.queue, measured.message_id) == ("q", "m")
    assert read_known(make_event()) is None


@pytest.mark.parametrize("change", [{"seconds": -1}, {"queue": "q" * 256}, {"at": "noon"}, {"outcomes": [{}]}])
def test_a_measurement_that_breaks_its_contract_is_an_event_like_others(change: dict[str, Any]) -> None:
    delivery = make_event(json.dumps(FIGURES | change).encode(), routing_key="job.measured")

    assert read_known(delivery) is None
    assert read_event(delivery).kind == "job.measured"


def _cloud_event(message_id: str) -> Delivery:
    body = json.dumps({"specversion": "1.0", "id": message_id, "type": "user.created", "data": {}}).encode()
    return make_event(body, content_type="application/cloudevents+json")

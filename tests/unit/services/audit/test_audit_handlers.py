"""The audit service hears every event."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from postroom.testing import make_delivery, make_user_created
from postroom.wire.messages import JobMeasured, JobRecorded, RecordedTry
from postroom.worker import ProviderContact
from postroom_audit.events import AuditEvent, DeadLetterEvent
from postroom_audit.handlers import record_event, worker


class InMemoryEventLog:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []
        self.measured: list[JobMeasured] = []
        self.tries: list[RecordedTry] = []
        self.letters: list[DeadLetterEvent] = []

    async def record(self, event: AuditEvent) -> None:
        self.events.append(event)

    async def record_measurement(self, measured: JobMeasured) -> None:
        self.measured.append(measured)

    async def record_tries(self, recorded: JobRecorded) -> None:
        self.tries.extend(recorded.tries)

    async def record_letters(self, letters: Sequence[DeadLetterEvent]) -> None:
        self.letters.extend(letters)


def test_one_queue_has_a_copy_of_every_event() -> None:
    [subscription] = worker.subscriptions.values()

    assert (subscription.queue, subscription.exchange, subscription.binding_key) == ("audit.on.all", "events", "#")
    assert subscription.options.identity(make_delivery(make_user_created())) is None  # no inbox: the log knows


async def test_an_event_without_an_id_has_the_same_one_in_each_of_its_tries() -> None:
    log = InMemoryEventLog()
    first, other = (make_delivery(make_user_created(), message_id=None, exchange="events") for _ in range(2))

    for delivery in (first, first, other):
        await record_event(delivery, log)

    again, once_more, another = (event.message_id for event in log.events)
    assert again == once_more != another


async def test_measurements_are_kept_apart_from_what_happened() -> None:
    log = InMemoryEventLog()
    figures = {"service": "s", "queue": "q", "at": "2026-03-01T12:00:00Z", "seconds": 60, "outcomes": []}

    await record_event(make_delivery(json.dumps(figures).encode(), exchange="events", routing_key="job.measured"), log)
    await record_event(make_delivery(b"{}", exchange="events", routing_key="job.measured"), log)

    assert [each.queue for each in log.measured] == ["q"]
    assert [event.kind for event in log.events] == ["job.measured"]


def golden(kind: str) -> bytes:
    return (Path(__file__).parents[3] / "contract" / "messages" / f"{kind}.json").read_bytes()


async def test_a_heartbeat_is_not_worth_a_row() -> None:
    log = InMemoryEventLog()

    beat = make_delivery(golden("scheduler.measured"), exchange="events", routing_key="scheduler.measured")
    shown = await record_event(beat, log)

    assert not log.events
    assert shown is ProviderContact.NOT_ASKED  # it does not show that a database which was away is back


async def test_tries_are_kept_apart_too() -> None:
    log = InMemoryEventLog()

    await record_event(make_delivery(golden("job.recorded"), exchange="events", routing_key="job.recorded"), log)

    assert [(each.attempt, each.outcome) for each in log.tries] == [(2, "retried"), (3, "done")]
    assert log.events == []


@pytest.mark.parametrize(
    ("kind", "what"),
    [("job.failed", "died"), ("dead-letter.replayed", "replayed"), ("dead-letter.discarded", "discarded")],
)
async def test_what_became_of_dead_letters_is_an_event_and_found_by_each_message(kind: str, what: str) -> None:
    log, content = InMemoryEventLog(), json.loads(golden(kind))

    await record_event(make_delivery(golden(kind), exchange="events", routing_key=kind, message_id="e"), log)

    assert [event.kind for event in log.events] == [kind]
    assert [each.message_id for each in log.letters] == content.get("message_ids", [content.get("job_id")])
    assert {(each.what, each.queue, each.told_by, each.who) for each in log.letters} == {
        (what, content["queue"], "e", content.get("by"))
    }
    counts = {"job.failed": 1, "dead-letter.replayed": 1, "dead-letter.discarded": None}
    assert [(each.kind, each.replays) for each in log.letters] == [(content.get("job_kind"), counts[kind])]


async def test_the_body_before_a_change_is_kept_without_its_secrets() -> None:
    log = InMemoryEventLog()
    told = json.loads(golden("dead-letter.replayed")) | {"was": '{"to": "ada@example.com", "code": "4711"}'}

    await record_event(
        make_delivery(json.dumps(told).encode(), exchange="events", routing_key="dead-letter.replayed"), log
    )

    assert {each.was for each in log.letters} == {'{"to":"a•••@example.com","code":"•••"}'}

"""The audit service hears every event."""

import json

from services.audit.events import Event
from services.audit.handlers import record_event, worker
from shared.messages import JobMeasured
from shared.testing import make_delivery, make_user_created


class InMemoryEventLog:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.measured: list[JobMeasured] = []

    async def record(self, event: Event) -> None:
        self.events.append(event)

    async def record_measurement(self, measured: JobMeasured) -> None:
        self.measured.append(measured)


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

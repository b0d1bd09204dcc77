"""What happens when a message became a dead letter."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from postroom import wire
from postroom.broker.publishing import Publisher
from postroom.wire.errors import BrokerUnavailable, PublishTimeout, Requeued
from postroom.wire.messages import DeadLetterDiscarded, DeadLetterReplayed, JobCompleted, JobFailed
from postroom.worker import Keep
from postroom_alerting import handlers
from postroom_alerting.handlers import note_discarded, note_done, note_replayed, record_failure, worker
from postroom_alerting.intake.failures import FailureLog, RecordedFailure
from postroom_alerting.monitor.heartbeats import HeartbeatLog
from postroom_alerting.notify.dispatcher import Dispatcher
from tests.support.alerting import NOON, FailingPublisher, InMemoryFailureLog, make_dead_delivery


class CountingDispatcher(Dispatcher):
    """Counts how often it was woken, and sends nothing."""

    def __init__(self) -> None:
        self.wakes = 0

    def wake(self) -> None:
        self.wakes += 1


@pytest.fixture
def recorded() -> tuple[InMemoryFailureLog, CountingDispatcher, FailingPublisher]:
    return InMemoryFailureLog(), CountingDispatcher(), FailingPublisher()


Recorded = tuple[InMemoryFailureLog, CountingDispatcher, FailingPublisher]


async def test_a_dead_letter_is_recorded_the_dispatcher_woken_and_job_failed_published(recorded: Recorded) -> None:
    failures, dispatcher, publisher = recorded

    await record_failure(make_dead_delivery(), *recorded)

    assert list(failures.deaths) == [("email.send", "6f2c9a30")]
    assert dispatcher.wakes == 1
    [event] = publisher.published.values()
    assert event == JobFailed(
        queue="email.send",
        job_id="6f2c9a30",
        job_kind="email.send",
        error_type="RecipientRefused",
        error="a•••@example.com: 550 5.1.1 no such user",
        attempts=5,
        replays=0,
        failed_at=NOON,
    )


async def test_a_copy_is_counted_once_and_announced_under_the_same_id(recorded: Recorded) -> None:
    failures, dispatcher, publisher = recorded

    await record_failure(make_dead_delivery(), *recorded)
    await record_failure(make_dead_delivery(), *recorded)

    assert [len(deaths) for deaths in failures.deaths.values()] == [1]
    assert dispatcher.wakes == 1
    assert len(publisher.published) == 1


async def test_a_replayed_message_that_dies_again_is_announced_again(recorded: Recorded) -> None:
    _failures, dispatcher, publisher = recorded

    await record_failure(make_dead_delivery(), *recorded)
    again = {wire.X_FAILED_AT: "2026-03-02T00:00:00+00:00", wire.X_REPLAYS: 1}
    await record_failure(make_dead_delivery(headers=again), *recorded)

    assert dispatcher.wakes == 2
    assert [event.replays for event in publisher.published.values() if isinstance(event, JobFailed)] == [0, 1]


@pytest.mark.parametrize("queue", ["audit.on.job.failed", "audit.on.all"])
async def test_the_failure_of_a_listener_of_failures_is_not_published(recorded: Recorded, queue: str) -> None:
    failures, dispatcher, publisher = recorded
    headers = {wire.X_ROUTING_KEY: "job.failed", wire.X_QUEUE: queue}

    await record_failure(make_dead_delivery(routing_key=queue, headers=headers), *recorded)

    assert failures.deaths
    assert dispatcher.wakes == 1
    assert not publisher.published


async def test_probes_and_its_own_dead_letters_leave_no_trace(recorded: Recorded) -> None:
    failures, dispatcher, publisher = recorded

    await record_failure(make_dead_delivery(headers={wire.X_PROBE: "1"}), *recorded)
    await record_failure(make_dead_delivery(routing_key="alerting"), *recorded)

    assert not failures.deaths
    assert not dispatcher.wakes
    assert not publisher.published


async def test_a_database_or_broker_that_is_away_is_waited_for(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "_LONGEST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(handlers, "_FIRST_PAUSE_SECONDS", 0.01)
    failures, dispatcher, publisher = recorded
    publisher.errors = [BrokerUnavailable("gone")] * 2
    away: list[Exception] = [OperationalError("insert", {}, Exception("gone")), ConnectionRefusedError()]

    class Flaky(InMemoryFailureLog):
        async def record(self, failure: RecordedFailure) -> bool:
            if away:
                raise away.pop()
            return await failures.record(failure)

    await record_failure(make_dead_delivery(), Flaky(), dispatcher, publisher)

    assert failures.deaths
    assert len(publisher.published) == 1


async def test_what_stays_away_gives_the_message_back_as_it_is(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PATIENCE", timedelta(seconds=0.05))
    failures, dispatcher, publisher = recorded
    publisher.errors = [PublishTimeout("an alarm")] * 10

    with pytest.raises(Requeued):
        await record_failure(make_dead_delivery(), *recorded)

    publisher.errors = []
    await record_failure(make_dead_delivery(redelivered=True), *recorded)
    assert [len(deaths) for deaths in failures.deaths.values()] == [1]
    assert dispatcher.wakes == 1
    assert len(publisher.published) == 1


def test_the_reader_takes_what_comes_and_never_retries() -> None:
    options = worker.subscriptions["alerting"].options

    assert handlers.PATIENCE < options.time_limit < timedelta(minutes=30)
    assert worker.subscriptions["alerting"].model is None
    assert options.retry.attempts == 1
    assert options.history is Keep.NEVER


def test_its_parameters_are_what_the_composition_root_provides() -> None:
    for subscription in worker.subscriptions.values():
        subscription.bind({FailureLog: object(), Dispatcher: object(), Publisher: object(), HeartbeatLog: object()})


def make_completed(**changes: Any) -> JobCompleted:
    fields = {"queue": "email.send", "job_id": "6f2c9a30", "attempts": 1, "replays": 1, "completed_at": NOON}
    return JobCompleted.model_validate(fields | changes)


async def test_the_dispatcher_is_woken_when_a_message_was_done_after_its_replay(recorded: Recorded) -> None:
    failures, dispatcher, _publisher = recorded
    await record_failure(make_dead_delivery(), *recorded)

    await note_done(make_completed(replays=0), failures, dispatcher)
    assert dispatcher.wakes == 1
    await note_done(make_completed(), failures, dispatcher)

    assert dispatcher.wakes == 2


async def test_messages_that_a_person_discarded_are_the_end_of_their_group(recorded: Recorded) -> None:
    failures, dispatcher, _publisher = recorded
    await record_failure(make_dead_delivery(message_id="m-1"), *recorded)
    await record_failure(make_dead_delivery(message_id="m-2"), *recorded)
    event = DeadLetterDiscarded(
        queue="email.send", message_ids=["m-1", "m-2"], by="ada@desk", at=NOON + timedelta(hours=1), reason="wrong"
    )

    await note_discarded(event, failures, dispatcher)

    assert dispatcher.wakes == 3


@pytest.mark.parametrize(("queue", "rings"), [("unrouted", 2), ("email.send", 1)])
async def test_a_job_that_no_queue_took_is_dead_no_more_when_it_is_published_again(
    recorded: Recorded, queue: str, rings: int
) -> None:
    failures, dispatcher, _publisher = recorded
    exchange = "jobs" if queue == "unrouted" else "dead-letters"
    await record_failure(make_dead_delivery(message_id="m-1", exchange=exchange), *recorded)
    died = failures.deaths[queue, "m-1"][0]
    event = DeadLetterReplayed(
        queue=queue, message_ids=["m-1"], replays={"m-1": died.replays + 1}, by="ada@desk", at=NOON
    )

    await note_replayed(event, failures, dispatcher)
    await note_replayed(event, failures, dispatcher)

    assert dispatcher.wakes == rings

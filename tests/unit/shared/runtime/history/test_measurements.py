"""What a process counts and tells: every try once, in a bucket that is right to 12 %."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.broker.publishing import Publisher
from postroom.runtime.history.measurements import BOUNDS, LONGEST_MILLISECONDS, STEP, MeasurementPublisher, Meter
from postroom.testing import eventually
from postroom.wire.errors import BrokerUnavailable, PublishTimeout
from postroom.wire.messages import JobMeasured, Message


class FlakyPublisher:
    """Keeps what it is given by id, but for `errors`, of which one is raised at each call first."""

    def __init__(self) -> None:
        self.published: dict[str, Message] = {}
        self.errors: list[Exception] = []
        self.is_connected = True

    async def publish(self, message: Message, *, message_id: str, **_options: Any) -> str:
        error = self.errors.pop(0) if self.errors else None
        if not isinstance(error, BrokerUnavailable):
            self.published[message_id] = message  # a time-out may have stored it
        if error:
            raise error
        return message_id

    def told(self) -> list[tuple[str, str, float, int]]:
        events = [each for each in self.published.values() if isinstance(each, JobMeasured)]
        return sorted((e.queue, o.outcome, o.milliseconds, o.count) for e in events for o in e.outcomes)


@pytest.fixture
def publisher() -> FlakyPublisher:
    return FlakyPublisher()


@pytest.fixture
def meters() -> dict[str, Meter]:
    return {"a.do": Meter(), "b.do": Meter()}


@pytest.fixture
def measurements(publisher: FlakyPublisher, meters: dict[str, Meter]) -> MeasurementPublisher:
    seconds = iter(range(0, 6000, 60))
    return MeasurementPublisher("test", cast("Publisher", publisher), meters, clock=lambda: next(seconds))


def test_bounds_reach_from_a_millisecond_to_half_an_hour() -> None:
    assert (BOUNDS[0], BOUNDS[-1], len(BOUNDS)) == (1.0, LONGEST_MILLISECONDS, 129)
    assert all(1 < high / low < STEP + 0.001 for low, high in pairwise(BOUNDS))


@given(st.floats(min_value=0, max_value=LONGEST_MILLISECONDS / 1000))
def test_what_took_so_long_counts_under_the_next_bound(seconds: float) -> None:
    meter = Meter()

    meter.count("done", seconds)

    [found] = meter.take()
    assert seconds * 1000 <= found.milliseconds <= max(1.0, seconds * 1000 * (STEP + 0.001))


def test_what_took_longer_than_any_bound_counts_under_the_last() -> None:
    meter = Meter()

    meter.count("dead", LONGEST_MILLISECONDS / 1000)
    meter.count("dead", 86_400)

    [found] = meter.take()
    assert (found.milliseconds, found.count) == (LONGEST_MILLISECONDS, 2)


async def test_what_was_counted_is_told_once(
    measurements: MeasurementPublisher, publisher: FlakyPublisher, meters: dict[str, Meter]
) -> None:
    for _ in range(3):
        meters["a.do"].count("done", 0.0005)
    meters["a.do"].count("retried", 0.0005)

    await measurements.publish()
    await measurements.publish()

    assert publisher.told() == [("a.do", "done", 1.0, 3), ("a.do", "retried", 1.0, 1)]
    [event] = publisher.published.values()
    assert isinstance(event, JobMeasured)
    assert (event.service, event.seconds) == ("test", 60)


async def test_a_minute_without_work_is_not_told(measurements: MeasurementPublisher, publisher: FlakyPublisher) -> None:
    await measurements.publish()

    assert publisher.published == {}


async def test_while_the_broker_is_away_counting_goes_on(
    measurements: MeasurementPublisher, publisher: FlakyPublisher, meters: dict[str, Meter]
) -> None:
    publisher.is_connected = False
    for _ in range(3):
        meters["a.do"].count("done", 0.0005)
        await measurements.publish()
    publisher.is_connected = True

    await measurements.publish()

    assert publisher.told() == [("a.do", "done", 1.0, 3)]


@pytest.mark.parametrize("error", [BrokerUnavailable("lost"), PublishTimeout("silent"), RuntimeError("a bug")])
async def test_what_was_not_confirmed_is_told_again_and_counts_once(
    measurements: MeasurementPublisher, publisher: FlakyPublisher, meters: dict[str, Meter], error: Exception
) -> None:
    meters["a.do"].count("done", 0.0005)
    meters["b.do"].count("done", 0.0005)
    publisher.errors = [error]
    await measurements.publish()
    meters["b.do"].count("done", 0.0005)

    await measurements.publish()

    assert publisher.told() == [("a.do", "done", 1.0, 1), ("b.do", "done", 1.0, 1), ("b.do", "done", 1.0, 1)]


async def test_it_is_told_again_and_again_until_the_process_stops(
    measurements: MeasurementPublisher,
    publisher: FlakyPublisher,
    meters: dict[str, Meter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("postroom.runtime.history.measurements.PUBLISH_EVERY", timedelta(milliseconds=5))
    publishing = asyncio.create_task(measurements.keep_publishing())
    for told in (1, 2):
        meters["a.do"].count("done", 0.0005)
        await eventually(lambda told=told: len(publisher.published) == told)  # type: ignore[misc]

    publishing.cancel()

    assert publisher.told() == [("a.do", "done", 1.0, 1)] * 2

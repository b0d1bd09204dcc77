"""A message on its way to its end, broken off at each of its steps in each of the ways there are.

Whatever happens, the broker still has it, or what stands for it is confirmed. Time is virtual: conftest.py.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from postroom import wire
from postroom.broker.publishing import Outgoing, Publisher
from postroom.runtime.inbox import Finish, Inbox
from postroom.wire.errors import PublishTimeout
from tests.support.settlement import HANDLED, SCENARIOS, FakePublisher, Fault, Moment, Scenario, World


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
async def test_every_outcome_goes_by_the_same_order_of_steps(scenario: Scenario) -> None:
    world = World(scenario)

    await world.run()

    assert tuple(world.steps) == scenario.steps
    order = [*HANDLED, "copy", "record", "announce", "ack", "requeue", "reject"]
    assert sorted(world.steps, key=order.index) == world.steps
    assert world.answers == [scenario.steps[-1]]
    assert world.is_settled or world.answers != ["ack"]
    assert not world.is_row_held


def faults() -> Iterator[Any]:
    for name, scenario in SCENARIOS.items():
        for step in scenario.steps:
            if step == "ack":  # gathered with others', see test_acknowledgement.py
                continue
            for moment in Moment:
                for fault in Fault:
                    if step == "handle" and fault is Fault.FAILS:  # which is an outcome
                        continue
                    yield pytest.param(
                        scenario, step, moment, fault, id=f"{name}, {step}, {moment.name.lower()}, {fault.name.lower()}"
                    )


@pytest.mark.parametrize(("scenario", "step", "moment", "fault"), list(faults()))
async def test_no_message_is_lost_wherever_it_is_broken_off(
    scenario: Scenario, step: str, moment: Moment, fault: Fault
) -> None:
    world = World(scenario, at=step, moment=moment, fault=fault)

    await world.run()

    assert world.fault_happened
    if world.answers == ["ack"]:
        assert world.is_settled
    elif world.answers == ["reject"]:
        assert scenario.steps[-1] == "reject"
    else:
        assert world.answers in ([], ["requeue"])  # the broker has it
    assert len(world.copies) <= 1
    if world.recorded and scenario.copied_to is not None:
        assert world.copies, "a failure is in the history, and nothing came of it"


@pytest.mark.parametrize("fault", [Fault.FAILS, Fault.CANCELLED])
@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("step", ["claim", "copy", "record"])
async def test_what_is_broken_off_goes_back_at_once_and_is_held_by_nobody(
    step: str, moment: Moment, fault: Fault
) -> None:
    world = World(SCENARIOS["retried"], at=step, moment=moment, fault=fault)

    await world.run()

    assert world.answers == ["requeue"]
    # What was claimed while nobody heard of it is this process's own, and granted to it again.
    assert not world.is_row_held or (step, moment) == ("claim", Moment.AFTER)


async def test_a_database_that_refuses_what_is_written_does_not_keep_the_message() -> None:
    world = World(SCENARIOS["retried"])

    async def refuse(_finish: Finish) -> None:
        raise RuntimeError("no such column")

    world.processor._settlement._inbox = cast("Inbox", SimpleNamespace(finish=refuse))

    await world.run()

    assert world.answers == ["requeue"]


async def test_a_second_delivery_under_the_same_id_keeps_its_row_when_the_first_is_broken_off_late() -> None:
    world = World(SCENARIOS["done and announced"], at="announce", fault=Fault.FAILS)

    await world.run()

    assert world.steps.count("record") == 1  # it held nothing any more
    assert world.answers == ["requeue"]
    assert world.is_row_done


async def test_what_is_not_confirmed_is_published_again_and_acknowledged_after_that() -> None:
    world = World(SCENARIOS["dead"])
    failures = [PublishTimeout("an alarm"), PublishTimeout("an alarm")]
    publish = FakePublisher(world).send

    async def send(outgoing: Outgoing) -> None:
        assert world.answers == []
        if failures:
            raise failures.pop()
        await publish(outgoing)

    world.processor._settlement._publisher = cast("Publisher", SimpleNamespace(send=send))

    await world.run()

    assert world.copies == [wire.DEAD_LETTERS]
    assert world.answers == ["ack"]


@pytest.mark.parametrize("scenario", ["retried", "dead", "postponed"])
async def test_what_the_broker_takes_back_before_the_confirm_is_neither_recorded_nor_counted(scenario: str) -> None:
    world = World(SCENARIOS[scenario], at="copy", fault=Fault.CHANNEL_LOST)

    await world.run()

    assert (world.copies, world.recorded, world.answers) == ([], [], [])
    assert not world.is_row_held
    assert world.processor.meter.take() == []


async def test_a_process_that_stops_takes_nothing_more() -> None:
    world = World(SCENARIOS["done"])
    await world.processor.drain(deadline=0.0)

    await world.run()

    assert world.steps == ["requeue"]

"""Messages that are done: acknowledged after their work, whatever they look like, and gone."""

import asyncio
from typing import Any

import pytest

from postroom.telemetry.tracing import trace_headers
from postroom.worker import Delivery
from tests.support.worker import Chore, WorkerHarness, publish

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_message_that_was_done_is_gone(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker()):
        await harness.put({"n": 1}, message_id="a", content_type="application/json")
        await harness.has_done(1)

    assert (harness.done[0].n, harness.done[0].message_id) == (1, "a")
    assert (await harness.depth(), await harness.depth(f"{harness.queue}.dead")) == (0, 0)


async def test_a_message_is_acknowledged_after_its_work_and_not_before(harness: WorkerHarness) -> None:
    release = asyncio.Event()

    async def wait(_job: Chore, _delivery: Delivery) -> None:
        await release.wait()

    async with harness.running(harness.worker(wait), drain_seconds=0.2):
        await harness.put({"n": 1}, message_id="a")
        await harness.has_done(1)

    await harness.has_depth(1)  # the work never ended, so the broker has it


async def test_messages_without_an_id_are_all_done(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker()):
        # The client library makes up an id where there is none; an empty one is none.
        for _ in range(3):
            await harness.put({"n": 1}, message_id="")
        await harness.has_done(3)

    assert await harness.depth() == 0


@pytest.mark.parametrize(
    "properties", [{}, {"content_type": "text/plain"}, {"content_type": "application/json; charset=utf-8"}]
)
async def test_a_body_is_taken_as_json_whatever_its_type_is_called(
    harness: WorkerHarness, properties: dict[str, Any]
) -> None:
    async with harness.running(harness.worker()):
        await harness.put({"n": 5}, **properties)
        await harness.has_done(1)

    assert harness.done[0].n == 5


async def test_a_cloud_event_is_taken_with_its_own_id(harness: WorkerHarness) -> None:
    event = {"specversion": "1.0", "id": "event-1", "type": harness.queue, "source": "/shop", "data": {"n": 7}}

    async with harness.running(harness.worker()):
        for _ in range(2):
            await harness.put(event, content_type="application/cloudevents+json", message_id="other")
        await harness.put({"n": 8}, message_id="last")
        await harness.has_done(2)

    assert [(done.n, done.message_id) for done in harness.done] == [(7, "event-1"), (8, "last")]


async def test_unknown_fields_are_kept_and_ignored(harness: WorkerHarness) -> None:
    seen = []

    async def look(job: Chore, _delivery: Delivery) -> None:
        seen.append(job.to_wire())

    async with harness.running(harness.worker(look)):
        await harness.put({"n": 1, "tenant": {"name": "acme"}}, message_id="a")
        await harness.has_done(1)

    assert seen == [{"n": 1, "tenant": {"name": "acme"}}]


async def test_a_moved_message_is_done_though_its_routing_key_is_another(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker()):
        await publish(harness.channel, "", harness.queue, {"n": 3}, message_id="a")
        await harness.has_done(1)

    assert harness.done[0].n == 3


async def test_a_trace_is_continued(harness: WorkerHarness) -> None:
    traces = []

    async def look(_job: Chore, _delivery: Delivery) -> None:
        traces.append(trace_headers())

    async with harness.running(harness.worker(look)):
        await harness.put({}, headers={"traceparent": TRACE, "tracestate": "a=b"})
        await harness.put({})
        await harness.has_done(2)

    assert traces == [{"traceparent": TRACE, "tracestate": "a=b"}, {}]

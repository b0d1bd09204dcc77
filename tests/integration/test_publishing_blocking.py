"""Publishing from programs without an event loop: threads, forks, one after the other."""

import asyncio
import subprocess
import sys
import textwrap
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_trace_id

from postroom.broker.publishing import BlockingPublisher, Outgoing
from postroom.wire.errors import BrokerUnavailable, Unroutable
from tests.support.patience import PROCESS_STARTS, REACTION, patience, seconds
from tests.support.worker import Chore, WorkerHarness, WorkerVhost, take_all

PATIENT = patience(REACTION)

FORKING = """
    import os, sys
    from datetime import timedelta
    from postroom.wire.messages import Job
    from postroom.broker.publishing import BlockingPublisher

    class Chore(Job):
        kind = sys.argv[2]

    publisher = BlockingPublisher(sys.argv[1], timeout=timedelta(seconds=float(sys.argv[4])))
    if sys.argv[3] == "used":
        publisher.publish(Chore(), message_id="parent")
    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            for _ in range(2):
                publisher.publish(Chore(), message_id=f"child-{number}")
            publisher.close()
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    publisher.publish(Chore(), message_id="parent")
    publisher.close()
"""


@pytest.fixture
def harness(harness: WorkerHarness) -> WorkerHarness:
    """A queue that nobody reads."""
    harness.worker()
    return harness


def plain(harness: WorkerHarness, message_id: str, **changes: str) -> Outgoing:
    return Outgoing(
        **{"exchange": "jobs", "routing_key": harness.queue, "body": b"{}", "message_id": message_id, **changes}
    )


async def test_threads_share_one_publisher(harness: WorkerHarness, worker_vhost: WorkerVhost) -> None:
    def publish_all() -> None:
        with (
            BlockingPublisher(worker_vhost.vhost.amqp_url, timeout=PATIENT) as publisher,
            ThreadPoolExecutor(8) as threads,
        ):
            list(threads.map(lambda n: publisher.send(plain(harness, f"m{n}")), range(200)))

    await asyncio.to_thread(publish_all)

    stored = Counter(message.message_id for message in await take_all(harness.channel, harness.queue))
    assert stored == Counter(f"m{n}" for n in range(200))


async def test_errors_come_out_as_they_are(harness: WorkerHarness, worker_vhost: WorkerVhost) -> None:
    def publish() -> None:
        with BlockingPublisher(worker_vhost.vhost.amqp_url, timeout=PATIENT) as publisher:
            with pytest.raises(Unroutable):
                publisher.send(plain(harness, "a", exchange="delay.due", routing_key="nowhere"))
            publisher.send(plain(harness, "b"))
        absent = BlockingPublisher("amqp://127.0.0.1:1/", timeout=PATIENT)
        with absent, pytest.raises(BrokerUnavailable):
            absent.send(plain(harness, "c"))

    await asyncio.to_thread(publish)

    assert [message.message_id for message in await take_all(harness.channel, harness.queue)] == ["b"]


async def test_a_closed_publisher_opens_again_when_it_is_used(
    harness: WorkerHarness, worker_vhost: WorkerVhost
) -> None:
    def publish() -> None:
        publisher = BlockingPublisher(worker_vhost.vhost.amqp_url, timeout=PATIENT)
        publisher.close()  # never used
        for number in range(2):
            publisher.send(plain(harness, f"m{number}"))
            publisher.close()

    await asyncio.to_thread(publish)

    assert await harness.depth() == 2


@pytest.mark.parametrize("before", ["used", "unused"])
async def test_children_of_a_fork_publish_on_connections_of_their_own(
    harness: WorkerHarness, worker_vhost: WorkerVhost, before: str
) -> None:
    given = [worker_vhost.vhost.amqp_url, harness.queue, before, str(PATIENT.total_seconds())]
    program = [sys.executable, "-c", textwrap.dedent(FORKING), *given]

    done = await asyncio.to_thread(
        subprocess.run, program, capture_output=True, text=True, timeout=seconds(PROCESS_STARTS), check=False
    )

    assert done.returncode == 0, done.stderr
    stored = Counter(message.message_id for message in await take_all(harness.channel, harness.queue))
    assert stored == {"parent": 2 if before == "used" else 1, "child-0": 2, "child-1": 2, "child-2": 2}


async def test_the_trace_of_the_program_is_continued(harness: WorkerHarness, worker_vhost: WorkerVhost) -> None:
    model = type("OwnChore", (Chore,), {"kind": harness.queue})

    def publish_in_a_request() -> str:
        with TracerProvider().get_tracer("shop").start_as_current_span("request") as span:
            with BlockingPublisher(worker_vhost.vhost.amqp_url, timeout=PATIENT) as publisher:
                publisher.publish(model(), message_id="traced")
            return format_trace_id(span.get_span_context().trace_id)

    trace_id = await asyncio.to_thread(publish_in_a_request)

    (message,) = await take_all(harness.channel, harness.queue)
    assert str(message.headers["traceparent"]).split("-")[1] == trace_id

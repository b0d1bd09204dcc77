"""Ten thousand mails through the e-mail service as a process, to a mail server in another."""

import json
from pathlib import Path

import psutil

from postroom import wire
from postroom.broker.publishing import Outgoing
from postroom.testing import eventually
from postroom_email.handlers import worker
from tests.support.crash import Place, ServiceProcess, processes
from tests.support.load import Load, make_publisher
from tests.support.load_sink import Sink, running_sink
from tests.support.patience import WORK

MAILS = 10_000
WARM = 2_000
QUEUE = "email.send"
GROWTH_BYTES = (MAILS - WARM) * 1024
"""One kibibyte a mail. A mail that is kept, or its message, its log record, its task, is several; seen were 0.35,
which are the pages that SQLite and the allocator keep."""


def make_mail(number: int) -> Outgoing:
    """A mail with text and HTML of some kilobytes, each to somebody else."""
    body = {
        "to": f"reader-{number}@example.com",
        "subject": f"Issue {number}",
        "body": "Good morning.\n" * 80,
        "html": "<p>Good morning.</p>\n" * 80,
    }
    return Outgoing(wire.JOBS, QUEUE, json.dumps(body).encode(), f"issue-{number}")


async def test_ten_thousand_mails_arrive_once_each_in_flat_memory(
    place: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    place.prepare(worker)
    async with make_publisher(place.amqp_url) as publisher:
        load = Load(publisher, make_mail, per_second=5000)
        await load.publish(MAILS)
    with running_sink() as sink:
        own = {**environment, **place.environment, "EMAIL_SMTP_URL": sink.url}
        with processes("postroom_email", own, tmp_path, 1) as [service]:
            warm = await memory_after(WARM, sink, service)
            full = await memory_after(MAILS, sink, service)
            await eventually(lambda: is_empty(place))
        counted = sink.counted()

    assert (counted.mails, counted.different) == (MAILS, MAILS)
    assert full - warm < GROWTH_BYTES, f"{warm / 1e6:.1f} MB after {WARM} mails, {full / 1e6:.1f} MB after {MAILS}"


async def memory_after(mails: int, sink: Sink, service: ServiceProcess) -> int:
    """The resident memory of the service once so many mails have arrived, in bytes."""
    await eventually(lambda: sink.counted().mails >= mails, within=WORK * 2)
    resident: int = psutil.Process(service.pid).memory_info().rss
    return resident


async def is_empty(place: Place) -> bool:
    """Whether nothing is left of it."""
    return await place.depth(QUEUE, wire.dead_queue(QUEUE)) + await place.waiting() == 0

"""What bad input, an outage of the mail server and a stray queue cost: `python -m bench.bad_day`."""

import asyncio
import sqlite3
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.broker import arrivals_in, put_astray
from bench.calls import Sink as Channel
from bench.family import Family, Figures, run_alone, size
from bench.mails import Sink, mail_of, subjects
from bench.publishing import all_there, latencies, publish_all
from bench.service import running_service
from postroom import wire
from postroom.broker.publishing import Outgoing, Publisher
from postroom.devkit.broker_node import BrokerNode

QUEUE = "email.send"
BAD_PER_SECOND = 20
LOOK_SECONDS = 0.05
LIMIT_SECONDS = 300
HALF = 0.5
STRAY_PAUSE_SECONDS = 1.7
"""Strays begin at different moments of the five seconds in which the broker counts its queues."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    bad: int = size(100, "unparsable messages, 20 a second")
    bad_backlog: int = size(2_000, "unparsable messages at once")
    outage_mails: int = size(4_000, "mails around an outage")
    outage_seconds: int = size(10, "seconds for which the mail server is away")
    strays: int = size(3, "stray queues")


async def bad_input(broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """One unparsable message at a time, then a backlog of them with alerting beside it."""
    url, console = broker.amqp_url, {"EMAIL_SMTP_URL": "console://"}
    single, backlog = subjects(sizes.bad, "single"), subjects(sizes.bad_backlog, "backlog")
    async with Publisher(url) as publisher, arrivals_in(url, wire.dead_queue(QUEUE)) as dead:

        async def send(name: str) -> None:
            await publisher.send(Outgoing(wire.JOBS, QUEUE, b'{"to": ', name))

        async with running_service("email", url, console):
            took = await latencies(send, single, dead, BAD_PER_SECOND)
        await publish_all(send, backlog)
        async with running_service("alerting", url, {}) as folder:
            await _until_recorded(folder, len(single))
            async with running_service("email", url, console):
                await all_there(backlog, dead, within_seconds=LIMIT_SECONDS)
                recorded_at = await _until_recorded(folder, len(single) + len(backlog))
    died = sorted(dead[name] for name in backlog)
    figures.add_spread("unparsable message, publish to dead letter", took, "ms")
    figures.add("backlog of unparsable messages, dead letters", (len(died) - 1) / (died[-1] - died[0]), "per second")
    figures.add("backlog, first dead letter to last", died[-1] - died[0], "s")
    figures.add("backlog, first dead letter to all recorded by alerting", recorded_at - died[0], "s")


async def _until_recorded(folder: Path, deaths: int) -> float:
    """When alerting, whose data is in `folder`, has counted so many (`time.perf_counter`)."""
    async with asyncio.timeout(LIMIT_SECONDS):
        with closing(sqlite3.connect(folder / "alerting.sqlite3")) as database:
            counted = "SELECT coalesce(sum(total), 0) FROM incidents WHERE about = 'failures'"
            while database.execute(counted).fetchone()[0] < deaths:
                await asyncio.sleep(LOOK_SECONDS)
    return time.perf_counter()


async def outage(broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """The mail server goes away in the middle of a backlog, closing all connections, and comes back."""
    url, mails = broker.amqp_url, subjects(sizes.outage_mails)
    async with Publisher(url) as publisher, Sink() as sink:
        await publish_all(lambda name: publisher.publish(mail_of(name)), mails)
        async with running_service("email", url, {"EMAIL_SMTP_URL": sink.url}):
            async with asyncio.timeout(LIMIT_SECONDS):
                while len(sink.arrivals) < len(mails) * 3 // 8:
                    await asyncio.sleep(0.01)
            await sink.go_away()
            before = len(sink.arrivals)
            await asyncio.sleep(sizes.outage_seconds)
            await sink.come_back()
            back_at = time.perf_counter()
            await all_there(mails, sink.arrivals, within_seconds=LIMIT_SECONDS)
    moments = sorted(sink.arrivals.values())
    former = per_second(moments[before // 3 : before])  # what comes first comes while the service warms up
    half_at = reaches(moments[before:], former * HALF)
    after = per_second([moment for moment in moments[before:] if moment >= half_at])
    figures.add("mails before the outage", former, "per second")
    figures.add("mails after the outage", after, "per second")
    figures.add("mails after the outage", after / former, "of those before")
    figures.add("mail server's return to half the former rate", half_at - back_at, "s")


def per_second(moments: Sequence[float]) -> float:
    """Of these, in order, from the first to the last."""
    return (len(moments) - 1) / (moments[-1] - moments[0])


def reaches(moments: Sequence[float], rate: float) -> float:
    """The first of these, in order, from which on as many come in a second as `rate` says. Raises TimeoutError."""
    for index, moment in enumerate(moments):
        if bisect_left(moments, moment + 1) - index >= rate:
            return moment
    raise TimeoutError(f"{rate:.0f} a second were never reached again; more mails may be needed")


async def stray_queues(broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """Queues that nobody declared, each with a message, until a channel of alerting's is notified."""
    queues, met = [f"email.sned{number}" for number in range(sizes.strays)], dict[str, float]()

    def note(body: bytes) -> str:
        text = body.decode()
        for queue in queues:
            if queue in text:
                met.setdefault(queue, time.perf_counter())
        return text

    async with Channel(note) as channel:
        settings = {
            "ALERTING_CHANNELS": f"json://127.0.0.1:{channel.port}/",
            "POSTROOM_MANAGEMENT_URL": broker.management_url,
        }
        async with running_service("alerting", broker.amqp_url, settings):
            since = {}
            for queue in queues:
                await asyncio.sleep(STRAY_PAUSE_SECONDS)
                await put_astray(broker.amqp_url, queue)
                since[queue] = time.perf_counter()
            await all_there(queues, met)
    figures.add_spread("stray queue, first message to notification", [met[each] - since[each] for each in queues], "s")


FAMILY = Family(
    "A bad day: bad input, an outage, stray queues",
    Sizes,
    {"bad input": bad_input, "outage of the mail server": outage, "stray queues": stray_queues},
)

if __name__ == "__main__":
    run_alone(FAMILY)

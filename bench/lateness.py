"""How late delayed messages are handled, also those whose broker was killed meanwhile: `python -m bench.lateness`.

Handled is what the mail server got, due is the moment of the publish and the delay.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from bench.broker import own_node
from bench.family import Family, Figures, run_alone, size
from bench.mails import Sink, mail_of, subjects
from bench.publishing import all_there, publish_steadily
from bench.service import running_service
from postroom.broker.publishing import Publisher, PublishOptions
from postroom.devkit.broker_node import BrokerNode
from postroom.operator.cli.up import apply_to

FIRST_FLUSH_SECONDS = 1.5
"""A queue that is declared less than a second before a kill -9 may come back empty (RabbitMQ 3.10)."""


@dataclass(frozen=True)
class Sizes:
    """How many messages, and how long they wait."""

    delayed: int = size(200, "delayed messages")
    delayed_per_second: int = size(40, "delayed messages published each second")
    longest_delay: int = size(30, "seconds of the longest delay; all from 1 s on are as frequent")
    outage_delayed: int = size(200, "delayed messages before a killed broker, with delays of up to half as long")


async def delays(broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """The delay ladder, while messages arrive steadily."""
    url = broker.amqp_url
    async with Sink() as sink, running_service("email", url, {"EMAIL_SMTP_URL": sink.url}):
        due = await _publish_delayed(url, sizes.delayed, sizes.longest_delay, sizes.delayed_per_second)
        late = await _lateness(due, sink, within_seconds=sizes.longest_delay + 60)
    figures.add("delayed messages, late by, least", min(late), "s")
    figures.add_spread("delayed messages, late by", late, "s")


async def delays_across_a_killed_broker(_broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """A node that is killed once all are published, and started again at once."""
    with own_node() as node:
        apply_to(node)
        await asyncio.sleep(FIRST_FLUSH_SECONDS)
        async with Sink() as sink, running_service("email", node.amqp_url, {"EMAIL_SMTP_URL": sink.url}):
            longest = sizes.longest_delay // 2
            due = await _publish_delayed(node.amqp_url, sizes.outage_delayed, longest, sizes.delayed_per_second)
            killed_at = time.perf_counter()
            await asyncio.to_thread(node.kill)
            await asyncio.to_thread(node.start)
            away = time.perf_counter() - killed_at
            await _lateness(due, sink, within_seconds=longest + 120)
    figures.add("killed broker, away for", away, "s")
    late = [sink.arrivals[name] - moment for name, moment in due.items() if moment > killed_at]
    figures.add("due after the kill, late by, least", min(late), "s")
    figures.add_spread("due after the kill, late by", late, "s")
    figures.add("due after the kill, late by, most", max(late) / away, "of the time away")


async def _publish_delayed(url: str, count: int, longest: int, per_second: float) -> dict[str, float]:
    """When each is due, by subject."""
    waits = {name: 1 + number % longest for number, name in enumerate(subjects(count, "Reminder"))}

    async with Publisher(url) as publisher:

        async def send(name: str) -> None:
            await publisher.publish(mail_of(name), options=PublishOptions(delay=timedelta(seconds=waits[name])))

        sent = await publish_steadily(send, list(waits), per_second)
    return {name: moment + waits[name] for name, moment in sent.items()}


async def _lateness(due: dict[str, float], sink: Sink, within_seconds: float) -> list[float]:
    await all_there(list(due), sink.arrivals, within_seconds)
    return [sink.arrivals[name] - moment for name, moment in due.items()]


FAMILY = Family(
    "Lateness of delayed messages",
    Sizes,
    {"delayed messages": delays, "delayed messages and a killed broker": delays_across_a_killed_broker},
)

if __name__ == "__main__":
    run_alone(FAMILY)

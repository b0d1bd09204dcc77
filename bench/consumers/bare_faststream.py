"""FastStream alone, as its documentation shows it: a typed handler, its own acknowledging."""

import sys

import uvloop
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from pydantic import BaseModel

from bench.counting import PREFETCH, Count


class Noop(BaseModel):
    """What the handler takes."""

    to: str
    subject: str
    body: str


async def main(url: str, queue_name: str) -> None:
    """Consume until the queue stays empty."""
    count = Count()
    broker = RabbitBroker(url, logger=None)
    queue = RabbitQueue(queue_name, queue_type=QueueType.QUORUM, durable=True, declare=False)

    @broker.subscriber(queue, channel=Channel(prefetch_count=PREFETCH))
    async def handle(_job: Noop) -> None:
        count.add()

    await broker.start()
    await count.until_idle()
    await broker.stop()
    count.print()


uvloop.run(main(*sys.argv[1:]))

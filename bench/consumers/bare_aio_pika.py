"""aio-pika alone: parse the JSON, acknowledge each message."""

import sys

import aio_pika
import orjson
import uvloop

from bench.counting import PREFETCH, Count


async def main(url: str, queue_name: str) -> None:
    """Consume until the queue stays empty."""
    count = Count()

    async def handle(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        orjson.loads(message.body)
        count.add()
        await message.ack()

    async with await aio_pika.connect_robust(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(PREFETCH)
        queue = await channel.get_queue(queue_name)
        await queue.consume(handle)
        await count.until_idle()
    count.print()


uvloop.run(main(*sys.argv[1:]))

"""The broker of a run: its address, and queues filled with jobs."""

import asyncio
import uuid

import aio_pika

BODY = b'{"to": "ada@example.com", "subject": "Hello", "body": "Hi Ada"}'


async def fill(url: str, queue: str, messages: int) -> None:
    """Declare the quorum queue and put that many jobs into it, each with an id of its own."""
    run = uuid.uuid4().hex[:8]
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        for start in range(0, messages, 500):
            await asyncio.gather(*(_publish(channel, queue, f"{run}-{start + i}") for i in range(500)))


async def drop(url: str, queue: str) -> None:
    """Remove the queue."""
    async with await aio_pika.connect(url) as connection:
        await (await connection.channel()).queue_delete(queue)


async def _publish(channel: aio_pika.abc.AbstractChannel, queue: str, message_id: str) -> None:
    message = aio_pika.Message(
        BODY, message_id=message_id, content_type="application/json", delivery_mode=aio_pika.DeliveryMode.PERSISTENT
    )
    await channel.default_exchange.publish(message, queue)

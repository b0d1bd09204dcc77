"""What the demo plays on: a private broker, the services as processes, a mail server, a place for alerts."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import orjson

from shared.broker_node import BrokerNode
from shared.demo.alert_inbox import AlertInbox
from shared.mailbox import MailServer
from shared.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in a `.dead` queue, as anybody may read it."""

    message_id: str
    headers: dict[str, Any]


@dataclass(slots=True)
class Stage:
    """Everything the story uses."""

    broker: BrokerNode
    mail_server: MailServer
    alerts: AlertInbox
    services: Supervisor
    client: aio_pika.abc.AbstractChannel
    environment: dict[str, str]
    log: Path

    async def publish(self, exchange: str, kind: str, body: dict[str, Any]) -> str:
        """Publish plain JSON as any AMQP client would, without a line of Postroom's code."""
        message_id = uuid.uuid4().hex[:8]
        message = aio_pika.Message(
            orjson.dumps(body),
            content_type="application/json",
            message_id=message_id,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        target = await self.client.get_exchange(exchange, ensure=False)
        await target.publish(message, kind)
        return message_id

    async def dead_letter(self, queue: str, message_id: str, within_seconds: float) -> DeadLetter:
        """The dead letter with this id, left where it is. TimeoutError if it does not come."""
        dead = await self.client.get_queue(f"{queue}.dead", ensure=False)
        async with asyncio.timeout(within_seconds):
            while True:
                found: DeadLetter | None = None
                held = []
                while message := await dead.get(fail=False):
                    held.append(message)
                    if message.message_id == message_id:
                        found = DeadLetter(message_id, dict(message.headers))
                for message in held:
                    await message.nack(requeue=True)
                if found:
                    return found
                await asyncio.sleep(0.05)

    async def retries(self, queue: str) -> int:
        """How many tries of this queue's messages have failed and wait, as the service's metrics say."""
        return await self._metric("email", f'postroom_messages_total{{outcome="retried",queue="{queue}"}}')

    async def _metric(self, service: str, name: str) -> int:
        child = next(child for child in self.services.children if child.service == service)
        async with httpx.AsyncClient(timeout=5) as client:
            lines = (await client.get(f"{child.health_url}/metrics")).text.splitlines()
        return next((int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith(name)), 0)


@asynccontextmanager
async def set_stage(
    broker: BrokerNode, environment: dict[str, str], folder: Path, log: Path, say: Callable[[str], None]
) -> AsyncIterator[Stage]:
    """Start mail server, alert inbox and services around a broker that has its topology; stop them at the end.

    The services keep their data in `folder` and log to `log`.
    """
    async with MailServer() as mail_server:
        with AlertInbox() as alerts:
            own = {**os.environ, **environment}
            services = Supervisor(
                ["email", "alerting"],
                {
                    **environment,
                    "EMAIL_SMTP_URL": mail_server.url,
                    "EMAIL_SENDER": "Postroom <no-reply@example.com>",
                    "ALERTING_CHANNELS": alerts.channel,
                    "POSTROOM_DATA_DIR": str(folder),
                    "POSTROOM_LOG_FORMAT": "text",
                },
                log=log,
                say=say,
            )
            try:
                await services.start()
                connection = await aio_pika.connect(broker.amqp_url)
                async with connection:
                    yield Stage(broker, mail_server, alerts, services, await connection.channel(), own, log)
            finally:
                await services.stop()

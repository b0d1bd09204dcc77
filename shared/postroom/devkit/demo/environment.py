"""The environment of the demo: a private broker, the services as processes, and the servers of other people."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import orjson

from postroom.devkit.broker_node import BrokerNode
from postroom.devkit.demo.http_inbox import AlertInbox, Partner, until
from postroom.devkit.mailbox import MailServer
from postroom.devkit.supervisor import Child, Supervisor
from postroom.settings import RuntimeSettings, read_settings
from postroom.tls import system_authorities

SHORTEST_PATIENCE_SECONDS = 20.0
PATIENCE_PER_START = 3


@dataclass(frozen=True, slots=True)
class DemoDeadLetter:
    """A message in a `.dead` queue, as anybody may read it."""

    message_id: str
    headers: dict[str, Any]


@dataclass(slots=True)
class DemoEnvironment:
    """Everything the demo uses. What it leaves for people to look at is in `results_folder`."""

    broker: BrokerNode
    mail_server: MailServer
    alerts: AlertInbox
    partner: Partner
    services: Supervisor
    client: aio_pika.abc.AbstractChannel
    variables: dict[str, str]
    log: Path
    results_folder: Path
    patience_seconds: float
    """For one thing that is awaited: by how long this machine took to start the services."""

    async def publish(
        self, exchange: str, kind: str, body: dict[str, Any], headers: dict[str, Any] | None = None
    ) -> str:
        """Publish plain JSON as any AMQP client would, without a line of Postroom's code."""
        message_id = uuid.uuid4().hex[:8]
        message = aio_pika.Message(
            orjson.dumps(body),
            content_type="application/json",
            message_id=message_id,
            headers=headers,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        target = await self.client.get_exchange(exchange, ensure=False)
        await target.publish(message, kind)
        return message_id

    async def dead_letter(self, queue: str, message_id: str, within_seconds: float) -> DemoDeadLetter:
        """The dead letter with this id, left where it is. TimeoutError if it does not come."""
        dead = await self.client.get_queue(f"{queue}.dead", ensure=False)
        async with asyncio.timeout(within_seconds):
            while True:
                found: DemoDeadLetter | None = None
                held = []
                while message := await dead.get(fail=False):
                    held.append(message)
                    if message.message_id == message_id:
                        found = DemoDeadLetter(message_id, dict(message.headers))
                for message in held:
                    await message.nack(requeue=True)
                if found:
                    return found
                await asyncio.sleep(0.05)

    async def printed(self, words: str, within_seconds: float) -> None:
        """Wait until a service has printed these words. TimeoutError if it does not."""
        await until(lambda: words in self.log.read_text(errors="replace") or None, within_seconds)

    async def depth(self, queue: str) -> int:
        """How many messages wait in a queue."""
        declared = await self.client.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0

    async def readiness(self, service: str) -> dict[str, Any]:
        """What `/readyz` of a service says."""
        async with httpx.AsyncClient(timeout=5, verify=system_authorities()) as client:
            answer: dict[str, Any] = (await client.get(f"{self._child(service).health_url}/readyz")).json()
        return answer

    async def retries(self, queue: str) -> int:
        """How many tries of this queue's messages have failed and wait, as the service's metrics say."""
        return await self._metric("email", f'postroom_messages_total{{outcome="retried",queue="{queue}"}}')

    async def _metric(self, service: str, name: str) -> int:
        async with httpx.AsyncClient(timeout=5, verify=system_authorities()) as client:
            lines = (await client.get(f"{self._child(service).health_url}/metrics")).text.splitlines()
        return next((int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith(name)), 0)

    def _child(self, service: str) -> Child:
        return next(child for child in self.services.children if child.service == service)


@asynccontextmanager
async def open_environment(
    broker: BrokerNode,
    environment: dict[str, str],
    users: dict[str, dict[str, str]],
    folder: Path,
    log: Path,
    say: Callable[[str], None],
) -> AsyncIterator[DemoEnvironment]:
    """Start mail server, alert inbox and services around a broker that has its topology; stop them at the end.

    `users`: for each service the variables with which it logs in to the broker as its own user.
    The services keep their data in `folder` and log to `log`.
    """
    async with MailServer() as mail_server:
        with AlertInbox() as alerts, Partner() as partner:
            own = {**os.environ, **environment, "POSTROOM_DATA_DIR": str(folder)}
            results_folder = read_settings(RuntimeSettings).data_dir / "demo"
            services = Supervisor(
                ["email", "sms", "webhook", "report", "audit", "alerting", "scheduler", "scheduler"],
                {
                    **environment,
                    "EMAIL_SMTP_URL": mail_server.url,
                    "EMAIL_SENDER": "Postroom <no-reply@example.com>",
                    "SMS_GATEWAY_URL": "console://",
                    "WEBHOOK_SECRETS": f"partner={partner.secret}",
                    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
                    "ALERTING_CHANNELS": alerts.channel,
                    "ALERTING_IGNORED_QUEUES": "maintenance.*",  # nobody reads them here
                    "POSTROOM_DATA_DIR": str(folder),
                    "POSTROOM_LOG_FORMAT": "text",
                },
                of_service=users,
                log=log,
                say=say,
            )
            try:
                began = time.monotonic()
                await services.start()
                patience = max(SHORTEST_PATIENCE_SECONDS, PATIENCE_PER_START * (time.monotonic() - began))
                connection = await aio_pika.connect(broker.amqp_url)
                async with connection:
                    channel = await connection.channel()
                    yield DemoEnvironment(
                        broker, mail_server, alerts, partner, services, channel, own, log, results_folder, patience
                    )
            finally:
                await services.stop()

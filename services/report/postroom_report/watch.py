"""Receives the events of one report from the broker, for the command line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aio_pika
import orjson
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelNotFoundEntity

from postroom import wire
from postroom.broker.connection import connection_url, without_password
from postroom.wire.errors import BrokerUnavailable, TopologyError
from postroom.wire.messages import GenerateReport, ReportCancelled, ReportProgress, ReportReady

_EVENTS = {model.kind: model for model in (ReportProgress, ReportReady, ReportCancelled)}


@dataclass(frozen=True, slots=True)
class Died:
    """The report failed for good; its message waits as a dead letter."""

    error_type: str
    error: str


News = ReportProgress | ReportReady | ReportCancelled | Died


@dataclass(frozen=True, slots=True)
class ReportWatch:
    """Receives the events of one report, from the moment it is published.

    Attributes:
        readers: how many processes of the report service consume its queue.
    """

    report_id: str
    readers: int
    _received: "asyncio.Queue[News]"

    async def next(self) -> News:
        """The next event; waits for it."""
        return await self._received.get()


@asynccontextmanager
async def watch(url: str, report_id: str) -> AsyncIterator[ReportWatch]:
    """Receive events through a temporary queue. Raises BrokerUnavailable, TopologyError."""
    received: asyncio.Queue[News] = asyncio.Queue()

    async def receive(message: AbstractIncomingMessage) -> None:
        news = _news(message, report_id)
        if news is not None:
            received.put_nowait(news)

    try:
        connection = await aio_pika.connect(connection_url(url, "postroom report"))
    except CONNECTION_EXCEPTIONS as error:
        raise BrokerUnavailable(
            f"no broker answers at {without_password(url)} ({type(error).__name__}); start one with `postroom up`, or "
            "name yours in POSTROOM_AMQP_URL"
        ) from None
    async with connection:
        channel = await connection.channel()
        readers = await _readers(channel)
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        for kind in _EVENTS:
            await queue.bind(wire.EVENTS, kind)
        await queue.bind(wire.DEAD_LETTERS, GenerateReport.kind)
        await queue.consume(receive, no_ack=True)
        yield ReportWatch(report_id, readers, received)


async def _readers(channel: AbstractChannel) -> int:
    try:
        declared = await channel.declare_queue(GenerateReport.kind, passive=True)
    except ChannelNotFoundEntity:
        raise TopologyError("the broker has no queue for reports; run `postroom topology apply`") from None
    return declared.declaration_result.consumer_count or 0


def _news(message: AbstractIncomingMessage, report_id: str) -> News | None:
    model = _EVENTS.get(message.routing_key or "")
    if model is None:
        headers: dict[str, Any] = dict(message.headers)
        died = Died(str(headers.get(wire.X_ERROR_TYPE, "unknown")), str(headers.get(wire.X_ERROR, "")))
        return died if message.message_id == report_id else None
    fields = orjson.loads(message.body)
    return model.model_validate(fields) if fields.get("id") == report_id else None

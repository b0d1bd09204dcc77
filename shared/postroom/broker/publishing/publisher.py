"""Publishing for programs with an event loop: every message persistent, confirmed, and bounded in time."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Self

import aio_pika
from aio_pika.abc import AbstractRobustChannel, AbstractRobustConnection
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AuthenticationError,
    ChannelNotFoundEntity,
    DeliveryError,
    ProbableAuthenticationError,
)
from aio_pika.exceptions import PublishError as ReturnedByBroker

from postroom.broker.connection import connection_url, without_password
from postroom.broker.publishing.id_locks import IdLocks
from postroom.broker.publishing.outgoing import NO_OPTIONS, Outgoing, PublishOptions, address
from postroom.patience import patience
from postroom.telemetry.tracing import trace_headers
from postroom.wire.errors import BrokerUnavailable, PublishError, PublishTimeout, Unroutable
from postroom.wire.messages import Message

DEFAULT_TIMEOUT = timedelta(seconds=10)
REOPEN_SECONDS = 2.0
"""How long the client library gets to open a channel again once there is a connection."""


class Publisher:
    """A connection that publishes.

    Use it as `async with Publisher(url) as publisher`. The connection is made again by itself when it is lost;
    a publish meanwhile waits for it, within its time-out. Publish concurrently (`asyncio.gather`): each call
    waits for its own confirm.

    Args:
        url: AMQP URL; its path is the virtual host.
        app_id: who publishes, carried along with each message.
        timeout: for one publish, connecting included; 10 seconds, stretched by POSTROOM_PATIENCE, when absent.
    """

    def __init__(self, url: str, *, app_id: str = "postroom", timeout: timedelta | None = None) -> None:
        self._url = url
        self._app_id = app_id
        self._timeout = patience(DEFAULT_TIMEOUT) if timeout is None else timeout
        self._connection: AbstractRobustConnection | None = None
        self._channel: AbstractRobustChannel | None = None
        self._opening = asyncio.Lock()
        self._id_locks = IdLocks()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there at this moment."""
        return self._connection is not None and self._connection.connected.is_set()

    async def connect(self) -> None:
        """Connect now instead of at the first publish. Raises BrokerUnavailable."""
        await self._ready_channel()

    async def close(self) -> None:
        """Close the connection. What was not confirmed by then raises in its own publish."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def publish(
        self, message: Message, *, message_id: str | None = None, options: PublishOptions = NO_OPTIONS
    ) -> str:
        """Publish a job or an event, and return its message id once the broker has it on disk.

        Publishing again with the same `message_id` is safe: the work is done once.

        Raises:
            InvalidPublish: it is larger than the wire allows.
            Unroutable: the broker has no place for it.
            BrokerUnavailable, PublishTimeout: not confirmed; publish it again with the same id.
        """
        outgoing = address(message, message_id, options, self._app_id)
        if carried := trace_headers():
            outgoing = replace(outgoing, headers={**carried, **outgoing.headers})
        await self.send(outgoing)
        return outgoing.message_id

    async def send(self, outgoing: Outgoing) -> None:
        """Publish a complete message. Raises like `publish`."""
        is_sent = False
        try:
            async with asyncio.timeout(self._timeout.total_seconds()), self._id_locks.hold(outgoing.message_id):
                channel = await self._ready_channel()
                is_sent = True
                await self._deliver(channel, outgoing)
        except TimeoutError:
            raise self._timed_out(outgoing, is_sent) from None
        except CONNECTION_EXCEPTIONS as error:
            raise self._explain(outgoing, error) from error

    async def _deliver(self, channel: AbstractRobustChannel, outgoing: Outgoing) -> None:
        exchange = (
            await channel.get_exchange(outgoing.exchange, ensure=False)
            if outgoing.exchange
            else channel.default_exchange
        )
        await exchange.publish(outgoing.to_amqp(), outgoing.routing_key, mandatory=outgoing.mandatory)

    async def _ready_channel(self) -> AbstractRobustChannel:
        if self._channel is None or self._channel.is_closed:
            async with self._opening:
                if self._channel is None or not await self._is_open_again(self._channel):
                    self._channel = await self._open()
        await self._channel.ready()
        return self._channel

    async def _is_open_again(self, channel: AbstractRobustChannel) -> bool:
        """Whether the channel is open, after waiting for a lost connection.

        The client library makes the connection again, and then the channels on it, also one that was closed by a
        publish to an exchange that does not exist. To open another meanwhile would leave one behind each time.
        """
        deadline = asyncio.get_running_loop().time() + REOPEN_SECONDS
        while channel.is_closed and asyncio.get_running_loop().time() < deadline:
            assert self._connection is not None  # noqa: S101 - it has the channel
            if not self._connection.connected.is_set():
                await self._connection.ready()
                deadline = asyncio.get_running_loop().time() + REOPEN_SECONDS
            await asyncio.sleep(REOPEN_SECONDS / 100)
        return not channel.is_closed

    async def _open(self) -> AbstractRobustChannel:
        if self._connection is None:
            self._connection = await aio_pika.connect_robust(connection_url(self._url, f"{self._app_id} publishes"))
        channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        assert isinstance(channel, AbstractRobustChannel)  # noqa: S101 - what a robust connection opens
        return channel

    def _timed_out(self, outgoing: Outgoing, is_sent: bool) -> PublishError:
        what = f"{outgoing.routing_key} ({outgoing.message_id})"
        seconds = self._timeout.total_seconds()
        if not is_sent:
            return BrokerUnavailable(
                f"{what}: no connection to {without_password(self._url)} within {seconds:g} s; nothing was sent"
            )
        return PublishTimeout(
            f"{what}: not confirmed within {seconds:g} s (a memory or disk alarm at the broker?); it may have been "
            "stored: publish it again with the same id"
        )

    def _explain(self, outgoing: Outgoing, error: BaseException) -> PublishError:
        what = f"{outgoing.routing_key} ({outgoing.message_id})"
        match error:
            case ReturnedByBroker():
                return Unroutable(
                    f"{what}: exchange {outgoing.exchange!r} leads to no queue for it; see `postroom topology check`"
                )
            case DeliveryError():
                return PublishError(f"{what}: the broker refused to store it; publish it again with the same id")
            case ChannelNotFoundEntity():
                return Unroutable(
                    f"{what}: exchange {outgoing.exchange!r} does not exist; run `postroom topology apply`"
                )
            case AuthenticationError() | ProbableAuthenticationError():
                return BrokerUnavailable(f"{what}: {without_password(self._url)} refused the user or its password")
        return BrokerUnavailable(
            f"{what}: the connection to {without_password(self._url)} failed before the confirm "
            f"({type(error).__name__}); publish it again with the same id"
        )

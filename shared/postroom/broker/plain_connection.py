"""A plain connection for one command. It does not reconnect: a command that lost its broker says so and ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AMQPError,
    AuthenticationError,
    ChannelNotFoundEntity,
    ProbableAuthenticationError,
)
from aiormq.exceptions import ChannelAccessRefused

from postroom.broker.connection import connection_url, without_password
from postroom.wire.errors import BrokerUnavailable, TopologyError

CONNECT_SECONDS = 10
PAUSES_BEFORE_EMPTY = (0.05, 0.1)
"""Seconds between asking a queue that says it is empty again."""

BROKER_ERRORS = CONNECTION_EXCEPTIONS
"""What aio-pika raises when the broker is away, goes away, or does not want to."""


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[AbstractConnection]:
    """A connection to the broker at `url`. Raises BrokerUnavailable when the broker cannot be reached."""
    try:
        connection = await aio_pika.connect(connection_url(url, "postroom dead"), timeout=CONNECT_SECONDS)
    except (AuthenticationError, ProbableAuthenticationError):
        raise BrokerUnavailable(
            f"the broker at {without_password(url)} refused the user or its password; see POSTROOM_AMQP_URL"
        ) from None
    except (*BROKER_ERRORS, TimeoutError, ValueError) as error:
        raise BrokerUnavailable(
            f"no broker at {without_password(url)} ({type(error).__name__}); is it running, and is "
            "POSTROOM_AMQP_URL the right address and virtual host?"
        ) from None
    try:
        async with connection:
            yield connection
    except ChannelAccessRefused as error:
        raise BrokerUnavailable(why_lost(error)) from None
    except (AMQPError, ConnectionError) as error:
        raise BrokerUnavailable(
            f"the broker at {without_password(url)} ended the connection ({type(error).__name__}: {error})"
        ) from None


def why_lost(error: BaseException) -> str:
    """One of BROKER_ERRORS in words."""
    if isinstance(error, ChannelAccessRefused):
        return f"the broker does not let this user do that ({error}); see POSTROOM_AMQP_URL"
    return f"the connection was lost ({type(error).__name__})"


async def depth_of(connection: AbstractConnection, queue: str) -> int:
    """How many messages wait in `queue` at this moment. Raises TopologyError when this user sees no such queue."""
    # On a channel of its own: asking for a queue that does not exist closes the channel.
    channel = await connection.channel()
    try:
        return await ready_in(channel, queue)
    except ChannelNotFoundEntity:
        raise TopologyError(
            f"there is no queue {queue}; `postroom dead list` shows those with dead letters, "
            "`postroom topology apply` creates what is missing"
        ) from None
    except ChannelAccessRefused:
        # What comes first at a broker from 4.2.6 on, also for a queue that does not exist.
        raise TopologyError(f"there is no queue {queue} that this user may look at; see POSTROOM_AMQP_URL") from None
    finally:
        if not channel.is_closed:
            await channel.close()


async def ready_in(channel: AbstractChannel, queue: str) -> int:
    """How many messages wait in `queue`. The channel is closed when there is no such queue."""
    # A broker too busy to count a quorum queue within 250 ms answers 0 (rabbit_quorum_queue:stat, 3.10 and 4.3).
    for pause in (*PAUSES_BEFORE_EMPTY, 0.0):
        declared = await channel.declare_queue(queue, passive=True)
        if count := declared.declaration_result.message_count:
            return count
        await asyncio.sleep(pause)
    return 0

"""What somebody may try at a broker: over AMQP and over the management API."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aio_pika
import httpx
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused, ConnectionNotAllowed, InvalidFrameError, ProbableAuthenticationError

from tests.support.http import http_client


class Refused(Exception):
    """The broker said no, in so many words."""


@dataclass(frozen=True)
class Caller:
    """Who tries, and where."""

    amqp_url: str
    management_url: str
    login: tuple[str, str]
    virtual_host: str


@dataclass(frozen=True)
class Attempt:
    """One thing to try. `spoils` says that something is gone afterwards where it works."""

    words: str
    act: Callable[[Caller], Awaitable[object]]
    spoils: bool = False

    def __str__(self) -> str:
        return self.words


def over_amqp(words: str, do: Callable[[AbstractChannel], Awaitable[object]], *, spoils: bool = False) -> Attempt:
    """Something done on a channel; the broker refuses it with 403."""

    async def act(caller: Caller) -> None:
        try:
            async with await aio_pika.connect(caller.amqp_url) as connection:
                await do(await connection.channel())
        except InvalidFrameError as error:  # in place of an answer the broker closed the connection: 530, no access
            if "Connection.Close" not in str(error):
                raise
            raise Refused("the broker closed the connection") from None
        except (ChannelAccessRefused, ConnectionNotAllowed, ProbableAuthenticationError) as error:
            raise Refused(str(error)) from None

    return Attempt(words, act, spoils)


def over_http(
    words: str, method: str, path: str, body: Mapping[str, Any] | None = None, *, spoils: bool = False
) -> Attempt:
    """One request; `{vhost}` in the path stands for the virtual host. The API refuses it with 401 or 403."""

    async def act(caller: Caller) -> None:
        vhost = quote(caller.virtual_host, safe="")
        async with http_client(auth=caller.login) as api:
            url = f"{caller.management_url}/api{path.format(vhost=vhost)}"
            answer = await api.request(method, url, json=body)
        is_refused = answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
        if is_refused or "403 ACCESS_REFUSED" in answer.text:  # 400 where it failed on the API's own channel
            raise Refused(answer.text)
        assert answer.is_success, answer.text

    return Attempt(words, act, spoils)


def publishes(exchange: str, key: str, headers: Mapping[str, Any] | None = None) -> Attempt:
    """Publish a message, with a confirm."""

    async def do(channel: AbstractChannel) -> None:
        target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
        await target.publish(aio_pika.Message(b"{}", headers=dict(headers or {})), key)

    copied = f" with {', '.join(headers)}" if headers else ""
    return over_amqp(f"publishes to {exchange or 'the default exchange'} for {key}{copied}", do)


def gets(queue: str) -> Attempt:
    """Take one message, and give it back."""

    async def do(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).get(fail=False)

    return over_amqp(f"gets from {queue}", do)


def consumes(queue: str) -> Attempt:
    """Have messages delivered, and give them back."""

    async def do(channel: AbstractChannel) -> None:
        async def ignore(_message: object) -> None: ...

        await (await channel.get_queue(queue, ensure=False)).consume(ignore)

    return over_amqp(f"consumes {queue}", do)


def purges(queue: str) -> Attempt:
    """Throw away what is in a queue."""

    async def do(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).purge()

    return over_amqp(f"purges {queue}", do)


def declares(queue: str, **arguments: Any) -> Attempt:
    """Make a queue."""
    kind = " that dies into another" if "x-dead-letter-exchange" in arguments else ""
    return over_amqp(
        f"declares {queue}{kind}",
        lambda channel: channel.declare_queue(queue, durable=True, arguments=arguments or None),
        spoils=True,
    )


def declares_exchange(exchange: str) -> Attempt:
    """Make an exchange."""
    return over_amqp(
        f"declares exchange {exchange}", lambda channel: channel.declare_exchange(exchange, "topic"), spoils=True
    )


def deletes(queue: str) -> Attempt:
    """Delete a queue with what is in it."""
    return over_amqp(f"deletes {queue}", lambda channel: channel.queue_delete(queue), spoils=True)


def deletes_exchange(exchange: str) -> Attempt:
    """Delete an exchange."""
    return over_amqp(f"deletes exchange {exchange}", lambda channel: channel.exchange_delete(exchange), spoils=True)


def binds(queue: str, exchange: str, key: str) -> Attempt:
    """Bind a queue to an exchange."""

    async def do(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).bind(exchange, key)

    return over_amqp(f"binds {queue} to {exchange}", do, spoils=True)


def unbinds(queue: str, exchange: str, key: str) -> Attempt:
    """Take a queue's binding away."""

    async def do(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).unbind(exchange, key)

    return over_amqp(f"unbinds {queue} from {exchange}", do, spoils=True)


def binds_exchange(destination: str, source: str) -> Attempt:
    """Bind an exchange to an exchange."""

    async def do(channel: AbstractChannel) -> None:
        await (await channel.get_exchange(destination, ensure=False)).bind(source, "#")

    return over_amqp(f"binds exchange {destination} to {source}", do, spoils=True)

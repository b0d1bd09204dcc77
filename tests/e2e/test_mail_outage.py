"""A mail server that is away while thousands of mails are queued and more arrive: nothing dies, nothing is sent twice.

OUTAGE_TEST_MAILS and OUTAGE_TEST_SECONDS make it as large and as long as one likes; a message is held for a third
of the outage, as it would be in one of half an hour.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from postroom import wire
from postroom.broker.publishing import Outgoing
from postroom.testing import eventually
from postroom_email.handlers import worker
from postroom_email.settings import EmailSettings
from tests.support.crash import Place, ServiceProcess, processes
from tests.support.hasty_email import HOLD_SECONDS
from tests.support.load import Load, make_publisher
from tests.support.load_sink import Sink, running_sink
from tests.support.patience import WORK, seconds

MAILS = int(os.environ.get("OUTAGE_TEST_MAILS", "2000"))
AWAY_SECONDS = float(os.environ.get("OUTAGE_TEST_SECONDS", "20"))
WARM = MAILS // 8
ARRIVING = MAILS // 4  # of them, while the server is away
QUEUE = "email.send"
CIRCUIT_OPEN = 'postroom_circuit_open{service="email"}'
CONNECTIONS = EmailSettings().connections
"""So many mails were in the middle of their content when the server went: whether it has them is in doubt, and that one
try is theirs."""
BAD = "gone@example.com"
AS_MANY = WORK + timedelta(seconds=MAILS / 20)
by_hand = pytest.mark.timeout(seconds(timedelta(minutes=15, seconds=AWAY_SECONDS) + AS_MANY))


def make_mail(number: int) -> Outgoing:
    """A mail to somebody else each; one of those that arrive in the outage is to a mailbox that does not exist."""
    to = BAD if number == MAILS - ARRIVING // 2 else f"reader-{number}@example.com"
    body = {"to": to, "subject": f"Issue {number}", "body": "Good morning."}
    return Outgoing(wire.JOBS, QUEUE, json.dumps(body).encode(), f"issue-{number}")


@by_hand
async def test_an_outage_kills_no_mail_sends_none_twice_and_is_over_when_the_server_is_back(
    place: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    place.prepare(worker)
    with running_sink() as sink:
        sink.refuse(BAD)
        hold = {HOLD_SECONDS: str(AWAY_SECONDS / 3)}
        own = {**environment, **place.environment, **hold, "EMAIL_SMTP_URL": sink.url}
        async with make_publisher(place.amqp_url) as publisher, overhearing(place, "circuit.#") as events:
            load = Load(publisher, make_mail, per_second=5000)
            await load.publish(MAILS - ARRIVING)
            with processes("tests.support.hasty_email", own, tmp_path, 1) as [service]:
                await eventually(lambda: sink.counted().mails >= WARM, within=WORK)
                sent_before = sink.go_away().mails
                arriving = Load(
                    publisher, lambda n: make_mail(MAILS - ARRIVING + n), per_second=ARRIVING / AWAY_SECONDS
                )
                await eventually(lambda: is_out(service))
                await arriving.publish(ARRIVING)
                await eventually(lambda: is_postponed(service), within=WORK)
                assert await place.depth(wire.dead_queue(QUEUE)) == 0
                assert sink.come_back().mails == sent_before
                await eventually(lambda: is_in(service), within=WORK)
                await eventually(lambda: is_all_done(place, sink), within=AS_MANY)
                retried = await counted(service, "retried")
                await eventually(lambda: events if {"circuit.opened", "circuit.closed"} <= set(events) else None)
        came = sink.counted()
        [letter] = await place.take_all(wire.dead_queue(QUEUE))

    assert (came.mails, came.different) == (MAILS - 1, MAILS - 1)
    assert (letter.message_id, letter.headers["x-error-type"]) == (
        f"issue-{MAILS - ARRIVING // 2}",
        "RecipientsRefused",
    )
    assert letter.headers["x-attempt"] == 1
    assert retried <= CONNECTIONS


async def test_with_two_servers_of_which_one_goes_away_nothing_pauses(
    place: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    mails = 1500
    place.prepare(worker)
    async with make_publisher(place.amqp_url) as publisher:
        await Load(publisher, make_mail, per_second=5000).publish(mails)
    with running_sink() as first, running_sink() as second:
        own = {**environment, **place.environment, "EMAIL_SMTP_URL": f"{first.url},{second.url}"}
        with processes("postroom_email", own, tmp_path, 1) as [service]:
            await eventually(lambda: first.counted().mails >= mails // 5, within=WORK)
            sent = first.go_away()
            opened = []

            async def all_came() -> bool:
                opened.append(await service.metric(CIRCUIT_OPEN))
                return sent.mails + second.counted().mails >= mails

            await eventually(all_came, within=WORK)
            assert await place.depth(wire.dead_queue(QUEUE)) == 0
            retried = await counted(service, "retried")
        different = sent.different + second.counted().different

    assert set(opened) == {0}
    assert retried <= CONNECTIONS
    assert different == mails


@asynccontextmanager
async def overhearing(place: Place, key: str) -> AsyncIterator[list[str]]:
    """The routing keys of the events that come meanwhile."""
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(message.routing_key)

    async with await aio_pika.connect(place.amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(wire.EVENTS, key)
        await queue.consume(hear, no_ack=True)
        yield heard


async def is_out(service: ServiceProcess) -> bool:
    """Whether the service has noticed that its server is away."""
    return await service.metric(CIRCUIT_OPEN) == 1


async def is_in(service: ServiceProcess) -> bool:
    """Whether the service has noticed that its server is back."""
    return await service.metric(CIRCUIT_OPEN) == 0


async def is_postponed(service: ServiceProcess) -> bool:
    """Whether messages were held so long that they walk the delay ladder."""
    return await counted(service, "postponed") > 0


async def counted(service: ServiceProcess, outcome: str) -> float:
    """How many tries ended so."""
    return await service.metric(f'postroom_messages_total{{outcome="{outcome}",queue="{QUEUE}"}}')


async def is_all_done(place: Place, sink: Sink) -> bool:
    """Whether nothing waits anywhere and all mails came but the one that nobody takes."""
    waits = await place.depth(QUEUE) + await place.waiting()
    return waits == 0 and sink.counted().mails >= MAILS - 1 and await place.depth(wire.dead_queue(QUEUE)) == 1

"""A dead letter that a person moves back with the management UI's "Move messages" form."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from postroom import wire
from postroom.devkit.mailbox import MailServer
from postroom.testing import eventually
from postroom_email.handlers import worker
from tests.support.crash import Place, ServiceProcess, processes
from tests.support.moving import move_messages

QUEUE, DEAD = "email.send", "email.send.dead"
GONE = "gone@example.com"
ROUNDS = 5


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """The mail server that the service sends to."""
    async with MailServer() as running:
        yield running


async def died_again(place: Place, replays: int) -> Any:
    """The one dead letter, left where it is, once it has been replayed so often."""
    letters = await place.look(DEAD)
    assert len(letters) == 1, f"{len(letters)} dead letters"
    assert letters[0].headers.get(wire.X_REPLAYS, 0) == replays
    return letters[0]


async def test_a_moved_dead_letter_has_fresh_attempts_and_comes_back_with_its_reason_until_it_is_delivered(
    vhost: Any, place: Place, server: MailServer, environment: dict[str, str], tmp_path: Path
) -> None:
    place.prepare(worker)
    own = {**environment, **place.environment, "EMAIL_SMTP_URL": server.url}
    server.answer(GONE, "550 5.1.1 no such user here")
    body = json.dumps({"to": GONE, "subject": "Invoice", "body": "Thank you."}).encode()
    with processes("postroom_email", own, tmp_path, 1) as [service]:
        await service.ready()
        await place.publish(wire.JOBS, QUEUE, body, "invoice-1", headers={wire.ATTEMPTS: 3})
        first = await eventually(lambda: died_again(place, 0))

        for number in range(1, ROUNDS + 1):
            await move_messages(vhost, DEAD, QUEUE)
            found = await eventually(lambda number=number: died_again(place, number))

            assert found.message_id == "invoice-1"
            assert found.body == body
            assert found.headers[wire.X_ERROR_TYPE] == first.headers[wire.X_ERROR_TYPE] == "RecipientsRefused"
            assert "550 5.1.1 no such user here" in found.headers[wire.X_ERROR]
            assert found.headers[wire.X_ATTEMPT] == 1
            assert found.headers[wire.X_ROUTING_KEY] == QUEUE
            assert found.headers[wire.X_EXCHANGE] == wire.JOBS
            assert found.headers[wire.X_FIRST_SEEN_AT] == first.headers[wire.X_FIRST_SEEN_AT]
            assert await asked_for(service) == number + 1

        server.repair(GONE)
        await move_messages(vhost, DEAD, QUEUE)
        (mail,) = await server.received(1, to=GONE)
        await eventually(lambda: is_empty(place))
    assert mail.message["Message-ID"].startswith("<invoice-1@")
    assert server.count == 1


async def test_a_moved_message_that_fails_for_now_has_all_its_attempts_again(
    vhost: Any, place: Place, server: MailServer, environment: dict[str, str], tmp_path: Path
) -> None:
    place.prepare(worker)
    own = {**environment, **place.environment, "EMAIL_SMTP_URL": server.url}
    server.answer(GONE, "451 4.2.1 mailbox busy")
    body = json.dumps({"to": GONE, "subject": "Invoice", "body": "Thank you."}).encode()
    headers = {wire.ATTEMPTS: 2, wire.BACKOFF_SECONDS: 1}
    with processes("postroom_email", own, tmp_path, 1) as [service]:
        await service.ready()
        await place.publish(wire.JOBS, QUEUE, body, "invoice-2", headers=headers)
        await eventually(lambda: died_again(place, 0))

        for number in (1, 2):
            await move_messages(vhost, DEAD, QUEUE)
            found = await eventually(lambda number=number: died_again(place, number))
            assert (found.headers[wire.X_ATTEMPT], found.headers[wire.X_ATTEMPTS]) == (2, 2)
            assert found.headers[wire.X_ERROR_TYPE] == "RecipientsDeferred"
            assert await service.metric(f'postroom_messages_total{{outcome="retried",queue="{QUEUE}"}}') == number + 1

        server.repair(GONE)
        await move_messages(vhost, DEAD, QUEUE)
        await server.received(1, to=GONE)
        await eventually(lambda: is_empty(place))
    assert server.count == 1


async def asked_for(service: ServiceProcess) -> float:
    """How often it has made a dead letter."""
    return await service.metric(f'postroom_messages_total{{outcome="dead",queue="{QUEUE}"}}')


async def is_empty(place: Place) -> bool:
    """Whether nothing is left of it."""
    return await place.depth(QUEUE, DEAD) + await place.waiting() == 0

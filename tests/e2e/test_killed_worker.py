"""A worker that dies in the middle of its work: another one does it, soon, and nothing is lost."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from postroom import wire
from postroom.broker.publishing import Outgoing
from postroom.devkit.mailbox import MailServer
from postroom.devkit.supervisor import Supervisor
from postroom.testing import eventually
from postroom_email.handlers import worker as email_worker
from tests.support import crash_worker
from tests.support.crash import Place, ServiceProcess, processes
from tests.support.crash_worker import QUEUE, CountingFile
from tests.support.load import Load, make_publisher
from tests.support.patience import TAKEN_OVER, WORK, seconds

COUNTING = crash_worker.__name__
BROKER_TAKES_BACK = timedelta(minutes=30)
"""RabbitMQ's `consumer_timeout`."""
MAIL = json.dumps({"to": "ada@example.com", "subject": "Receipt", "body": "Thank you."}).encode()


async def busy_one(services: list[ServiceProcess], queue: str) -> ServiceProcess | None:
    """The process that works on a message of `queue`."""
    for service in services:
        if await service.in_work(queue):
            return service
    return None


async def test_a_mail_whose_worker_is_killed_is_sent_by_another_after_its_lease(
    place: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    place.prepare(email_worker)
    async with MailServer() as server:
        own = {**environment, **place.environment, "EMAIL_SMTP_URL": server.url}
        server.content_delay_seconds = 30
        with processes("postroom_email", own, tmp_path, 2) as services:
            await asyncio.gather(*(service.ready() for service in services))
            await place.publish(wire.JOBS, "email.send", MAIL, "mail-1")
            victim = await eventually(lambda: busy_one(services, "email.send"))
            await eventually(lambda: server.open_connections)

            victim.kill()
            killed_at = time.time()
            await server.quiet()  # it took nothing from the dead one
            server.content_delay_seconds = 0
            (mail,) = await server.received(1, within_seconds=seconds(TAKEN_OVER))

            (survivor,) = (service for service in services if service is not victim)
            await eventually(lambda: idle(survivor, "email.send"))
            assert await asyncio.to_thread(survivor.stop) == 0  # acknowledgements are gathered for some milliseconds
    assert mail.message["Message-ID"].startswith("<mail-1@")
    # A lease of seconds, which the wait above is for. Without it the broker's acknowledgement time-out would decide.
    assert 0 < mail.received_at - killed_at < BROKER_TAKES_BACK.total_seconds()
    assert server.count == 1
    assert await place.depth("email.send", "email.send.dead") + await place.waiting() == 0


async def test_the_only_worker_is_started_again_by_its_supervisor_and_sends_the_mail(
    place: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    place.prepare(email_worker)
    async with MailServer() as server:
        own = {**environment, **place.environment, "EMAIL_SMTP_URL": server.url}
        supervisor = Supervisor(["email"], own, log=tmp_path / "email.log")
        try:
            await supervisor.start()
            server.content_delay_seconds = 30
            await place.publish(wire.JOBS, "email.send", MAIL, "mail-1")
            await eventually(lambda: server.open_connections)

            (child,) = supervisor.children
            assert child.process is not None
            child.process.kill()
            killed_at = time.time()
            await server.quiet()  # it took nothing from the dead one
            server.content_delay_seconds = 0
            (mail,) = await server.received(1, within_seconds=seconds(TAKEN_OVER))
        finally:
            await supervisor.stop()
    assert 0 < mail.received_at - killed_at < BROKER_TAKES_BACK.total_seconds()
    assert (server.count, child.starts) == (1, 2)


async def idle(service: ServiceProcess, queue: str) -> bool:
    """Whether it has no message of `queue` any more."""
    return await service.in_work(queue) == 0


async def test_a_hundred_messages_in_work_survive_the_kill_of_their_worker(
    place: Place, environment: dict[str, str], tmp_path: Path, counting: CountingFile
) -> None:
    place.prepare(crash_worker.worker)
    body = json.dumps({"seconds": 3}).encode()
    with processes(COUNTING, {**environment, **place.environment}, tmp_path, 3) as workers:
        await asyncio.gather(*(worker.ready() for worker in workers))
        async with make_publisher(place.amqp_url) as publisher:
            load = Load(publisher, lambda n: Outgoing(wire.JOBS, QUEUE, body, f"m-{n}"), per_second=1000)
            await load.publish(600)
        await eventually(lambda: len(counting.steps("begun")) >= 250, within=WORK)

        workers[0].kill()
        lost = {step.message_id for step in counting.steps("begun") if step.pid == workers[0].pid}
        lost -= {step.message_id for step in counting.steps("done") if step.pid == workers[0].pid}
        await eventually(lambda: counting.count("done").keys() >= lost, within=TAKEN_OVER)
        await eventually(lambda: counting.count("done").keys() >= load.confirmed.keys(), within=WORK)

    assert len(lost) > 20
    assert what_is_wrong_with(tmp_path / "data" / "counting.sqlite3") == []
    assert set(counting.count("done").values()) == {1}
    assert len(counting.count("done")) == 600


def what_is_wrong_with(database: Path) -> list[str]:
    """What a killed owner left in it that should not be there: damage, or work that nobody finished."""
    with closing(sqlite3.connect(database)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        started = connection.execute("SELECT identity FROM inbox WHERE state = 'started'").fetchall()
    return [*([verdict] if verdict != "ok" else []), *(f"{identity} is not finished" for (identity,) in started)]

"""Each service does its work at the broker as its own user, and people do theirs."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from typer.testing import CliRunner

from postroom import wire
from postroom.broker.publishing import Publisher
from postroom.broker.topology import LONGEST_WAIT
from postroom.broker.topology.proof import LADDER, ProofLimits, ProofOutcome, prove
from postroom.devkit.broker_node import BrokerNode
from postroom.installation import workers
from postroom.operator.cli import app
from postroom.operator.dead_letters import (
    ReplayRate,
    RunControl,
    Selection,
    depth_of,
    discard,
    export,
    import_lines,
    replay,
    target_of,
)
from postroom.runtime.consuming.consumer import read_delivery
from postroom.runtime.processing.copies import Failure, completed, dead_letter, deferred, postponed, retried
from postroom.testing import eventually
from postroom.wire.errors import BrokerUnavailable, TopologyError
from postroom.worker import Worker
from postroom.worker.registration import Subscription
from tests.support.broker_users import Users, users_on
from tests.support.brokers import VirtualHost, virtual_host_on
from tests.support.moving import move_messages
from tests.support.patience import REACTION, patience

WORKERS = workers()
FAILURE = Failure(ValueError("no"), attempts=3)
LAST_LEVEL = "delay.524288s"


@pytest.fixture(scope="module")
def users(broker: BrokerNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    """A virtual host with the topology and the users of all services."""
    with virtual_host_on(broker) as vhost, users_on(vhost, tmp_path_factory.mktemp("users")) as users:
        yield users


async def test_every_service_reads_retries_delays_defers_tells_and_buries_as_its_own_user(users: Users) -> None:
    async with await aio_pika.connect(users.vhost.amqp_url) as connection:
        channel = await connection.channel()
        await asyncio.gather(*(does_its_work(worker, users, channel) for worker in WORKERS))

        queues = [queue for worker in WORKERS for queue in worker.subscriptions]
        assert len(queues) >= 20
        # Twice the longest wait: each entered the ladder at its highest level, and will walk again.
        await eventually(lambda: has(channel, LAST_LEVEL, len(queues)))


async def does_its_work(worker: Worker, users: Users, channel: AbstractChannel) -> None:
    """What the runtime does with messages of each queue, in the permissions of the service's user."""
    url = users.amqp_url(worker.service)
    async with await aio_pika.connect(url) as connection, Publisher(url, app_id=worker.service) as publisher:
        reads = await connection.channel()
        for subscription in worker.subscriptions.values():
            await put(channel, subscription.queue, message_id="one")
            await settle_all_ways(subscription, await take(reads, subscription.queue), publisher)
        for queue in worker.subscriptions:
            # What others tell of their jobs comes to the scheduler's queues too.
            while wire.X_ATTEMPT not in (again := await take(reads, queue)).headers:
                await again.ack()
            await again.ack()
            await eventually(lambda queue=queue: has(channel, wire.dead_queue(queue), 1))


async def settle_all_ways(subscription: Subscription, message: AbstractIncomingMessage, publisher: Publisher) -> None:
    """Send every copy that a worker makes of a message, then let go of it."""
    queue, service = subscription.queue, subscription.service
    delivery = read_delivery(queue, message)  # type: ignore[arg-type] # aio-pika gives this class
    await publisher.send(retried(delivery, FAILURE, service, timedelta(seconds=1)))
    await publisher.send(postponed(delivery, 2 * LONGEST_WAIT))
    await publisher.send(completed(delivery))
    if subscription.exchange == wire.JOBS:
        await publisher.send(deferred(delivery, {}, 2 * LONGEST_WAIT))
    if queue == wire.ALERTING_QUEUE:
        await message.reject()
    else:
        await publisher.send(dead_letter(delivery, FAILURE, service))
        await message.ack()


async def test_the_operator_replays_and_discards_dead_letters(users: Users) -> None:
    url = users.amqp_url("operator")
    async with await aio_pika.connect(users.vhost.amqp_url) as connection:
        channel = await connection.channel()
        for name in ("again", "away"):
            await put(channel, "webhook.sync.dead", message_id=name)
        jobs = await channel.get_exchange(wire.JOBS, ensure=False)
        await jobs.publish(aio_pika.Message(b"{}", message_id="lost"), "emial.send")
        target = target_of("webhook.sync.dead")

        replayed = await replay(url, target, Selection(frozenset(["again"])), rate=ReplayRate(), control=RunControl())
        discarded = await discard(url, target, Selection(frozenset(["away"])), reason="a test", control=RunControl())
        unrouted = await replay(
            url, target_of(wire.UNROUTED_QUEUE), Selection(), rate=ReplayRate(), control=RunControl()
        )

        assert (replayed.settled, replayed.problem) == (1, "")
        assert (discarded.settled, discarded.problem) == (1, "")
        assert (unrouted.settled, unrouted.problem, list(unrouted.refused)) == (0, "", ["no queue takes emial.send"])
        await (await take(channel, wire.UNROUTED_QUEUE)).ack()


async def test_the_operator_exports_and_imports_them(users: Users, tmp_path: Path) -> None:
    url, file = users.amqp_url("operator"), tmp_path / "dead.jsonl"
    sources = ("webhook.deliver.dead", wire.UNROUTED_QUEUE)
    async with await aio_pika.connect(users.vhost.amqp_url) as connection:
        channel = await connection.channel()
        await put(channel, sources[0], message_id="dead")
        jobs = await channel.get_exchange(wire.JOBS, ensure=False)
        await jobs.publish(aio_pika.Message(b"{}", message_id="lost"), "emial.send")
        told = await depth_of(connection, wire.ALERTING_QUEUE)
        with file.open("wb") as lines:
            for source in sources:
                await export(url, target_of(source), Selection(), write=lines.write, control=RunControl())
        for source in sources:
            await (await take(channel, source)).ack()

        imported = {each.queue: (each.restored, each.problem) for each in await import_lines(url, file)}

        assert imported == dict.fromkeys(sources, (1, ""))
        found = await take(channel, wire.UNROUTED_QUEUE)
        assert (found.message_id, found.headers[wire.X_ROUTING_KEY]) == ("lost", "emial.send")
        await found.ack()
        assert await depth_of(connection, wire.ALERTING_QUEUE) == told  # nobody is woken by an import


async def test_who_may_not_import_is_told_that_it_is_the_user(users: Users, tmp_path: Path) -> None:
    file = tmp_path / "dead.jsonl"
    queue = "report.cancel.dead"
    lines = [{"postroom": 1, "queue": queue, "properties": {"message_id": f"m-{number}"}, "headers": {}, "body": "{}"}
             for number in range(30)]  # fmt: skip
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    problem = ""
    try:
        [imported] = await import_lines(users.amqp_url("publisher"), file)
        problem = imported.problem
    except (BrokerUnavailable, TopologyError) as error:  # it may not read, or from 4.2.6 on not even see the queue
        problem = str(error)

    assert "this user" in problem
    assert "POSTROOM_AMQP_URL" in problem


def test_the_operator_lists_them_by_command(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_AMQP_URL", users.amqp_url("operator"))
    monkeypatch.setenv("POSTROOM_MANAGEMENT_URL", users.vhost.management_url)

    listed = CliRunner().invoke(app, ["dead", "list", "--json"])
    checked = CliRunner().invoke(app, ["topology", "check", "--static", "--json"])

    assert (listed.exit_code, checked.exit_code) == (0, 0), listed.output + checked.output


async def test_the_operator_moves_messages_in_the_management_ui(users: Users) -> None:
    async with await aio_pika.connect(users.vhost.amqp_url) as connection:
        channel = await connection.channel()
        await put(channel, "sms.send.dead", message_id="moved")
        before = await depth(channel, "sms.send.dead")

        await move_messages(as_vhost(users, "operator"), "sms.send.dead", "sms.send")
        await eventually(lambda: has(channel, "sms.send", before))

        # With the wrong destination typed, the broker makes that queue, and everything is in it.
        await move_messages(as_vhost(users, "operator"), "sms.send", "smz.send")
        await eventually(lambda: has(channel, "smz.send", before))


async def test_the_operator_proves_that_nothing_dies_unseen(users: Users) -> None:
    worker = next(worker for worker in WORKERS if worker.service == "email")
    async with await aio_pika.connect(users.amqp_url("email")) as connection:
        channel = await connection.channel()
        for queue in worker.subscriptions:
            await (await channel.get_queue(queue, ensure=False)).consume(reject)

        proofs = await prove(users.amqp_url("operator"), list(worker.subscriptions), ProofLimits(patience(REACTION)))

    assert {proof.subject: proof.outcome for proof in proofs} == dict.fromkeys(
        [LADDER, *worker.subscriptions], ProofOutcome.PROVEN
    )


def test_monitoring_sees_queues_nodes_and_what_is_in_the_ladder(users: Users) -> None:
    with users.management("monitoring") as management:
        names = {queue.name for queue in management.queues()}

        assert {"email.send", "email.send.dead", LAST_LEVEL} <= names
        assert management.version()


def as_vhost(users: Users, role: str) -> VirtualHost:
    """The virtual host as that user logs in."""
    vhost = users.vhost
    return VirtualHost(vhost.name, users.amqp_url(role), vhost.management_url, *users.login(role))


async def put(channel: AbstractChannel, queue: str, **properties: Any) -> None:
    """Put an empty object straight into a queue."""
    message = aio_pika.Message(b"{}", content_type=wire.JSON, delivery_mode=2, **properties)
    await channel.default_exchange.publish(message, queue)


async def take(channel: AbstractChannel, queue: str) -> AbstractIncomingMessage:
    """The first message of a queue, as soon as there is one."""
    source = await channel.get_queue(queue, ensure=False)
    return await eventually(lambda: source.get(fail=False))


async def reject(message: AbstractIncomingMessage) -> None:
    """As a worker does with a probe."""
    await message.reject()


async def depth(channel: AbstractChannel, queue: str) -> int:
    """How many messages wait in a queue."""
    return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def has(channel: AbstractChannel, queue: str, count: int) -> bool:
    """Whether a queue has come to so many messages."""
    return await depth(channel, queue) >= count

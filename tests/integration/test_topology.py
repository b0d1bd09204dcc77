"""A broker is brought to the topology, checked, proven, and made from an export."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from typer.testing import CliRunner

from postroom import wire
from postroom.broker.management import Management, PolicyInfo
from postroom.broker.topology import Topology, build_topology, walk_key
from postroom.broker.topology.application import apply_topology
from postroom.broker.topology.check import find_problems
from postroom.broker.topology.comparison import read_broker_state
from postroom.broker.topology.definitions import definitions
from postroom.broker.topology.proof import LADDER, Proof, ProofLimits, ProofOutcome, prove
from postroom.operator.cli import app
from postroom.runtime import Worker
from postroom.settings import RuntimeSettings
from postroom.testing import eventually, patience
from postroom.wire.messages import SendEmail, UserCreated
from tests.support.brokers import VirtualHost
from tests.support.patience import REACTION, seconds
from tests.support.worker import seconds_on_ladder

PATIENT = ProofLimits(within=patience(REACTION))
IMPATIENT = ProofLimits(within=timedelta(seconds=1.5))  # for what never comes
ALMOST = 0.95  # of each second: the broker's clock is not ours
QUEUES = ("alerting", "email.send", "email.on.user.created")


@pytest.fixture
def topology() -> Topology:
    worker = Worker("email")

    @worker.handles(SendEmail)
    async def send_email(job: SendEmail) -> None: ...

    @worker.listens(UserCreated)
    async def greet(event: UserCreated) -> None: ...

    return build_topology(worker.subscriptions.values())


@pytest.fixture
def settings(vhost: VirtualHost) -> RuntimeSettings:
    return RuntimeSettings(amqp_url=vhost.amqp_url, management_url=vhost.management_url)


@pytest.fixture
def url(settings: RuntimeSettings) -> str:
    return settings.amqp_url.get_secret_value()


@pytest.fixture
def management(settings: RuntimeSettings) -> Iterator[Management]:
    with Management.from_settings(settings) as client:
        yield client


@pytest.fixture
def applied(management: Management, topology: Topology) -> None:
    apply_topology(topology, management)


@pytest.fixture
async def channel(url: str, applied: None) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel()


async def put(channel: AbstractChannel, queue: str, *bodies: bytes, **properties: Any) -> None:
    for body in bodies:
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, **properties)
        await channel.default_exchange.publish(message, queue)


async def depth(channel: AbstractChannel, queue: str) -> int:
    return (await channel.get_queue(queue)).declaration_result.message_count or 0


async def has_depth(channel: AbstractChannel, queue: str, expected: int) -> None:
    """Waits for that: what is given back is in its queue a moment later."""

    async def check() -> bool:
        return await depth(channel, queue) == expected

    await eventually(check)


async def bodies(channel: AbstractChannel, queue: str, count: int) -> list[bytes]:
    """Takes everything out of `queue`, as soon as there are so many. Where there never are, it says what there is."""
    try:
        await has_depth(channel, queue, count)
    except AssertionError as error:
        there = [f"{message.body!r} {message.headers}" for message in await _taken(channel, queue)]
        raise AssertionError("\n".join([str(error), *there])) from None
    return [message.body for message in await _taken(channel, queue)]


async def _taken(channel: AbstractChannel, queue: str) -> list[AbstractIncomingMessage]:
    source, found = await channel.get_queue(queue), []
    while message := await source.get(fail=False, no_ack=True):
        found.append(message)
    return found


def by_subject(proofs: list[Proof]) -> dict[str, Proof]:
    return {proof.subject: proof for proof in proofs}


# Applying


def test_applying_twice_changes_nothing(management: Management, topology: Topology) -> None:
    first = apply_topology(topology, management)
    second = apply_topology(topology, management)

    parts = (topology.exchanges, topology.queues, topology.bindings, topology.policies)
    assert len(first.changes) == sum(len(part) for part in parts)
    assert second.changes == second.conflicts == second.stale == ()
    assert find_problems(topology, read_broker_state(management)) == []


def test_a_queue_of_another_type_is_named_and_all_else_is_applied(management: Management, topology: Topology) -> None:
    management.create_queue("email.send", {})

    applied = apply_topology(topology, management)

    [conflict] = applied.conflicts
    assert (conflict.name, conflict.found, conflict.wanted) == ("email.send", "classic", "quorum")
    assert [problem.queue for problem in find_problems(topology, read_broker_state(management))] == ["email.send"]

    management.delete_queue("email.send")

    apply_topology(topology, management)
    assert find_problems(topology, read_broker_state(management)) == []


def test_an_exchange_of_another_type_is_named_and_all_else_is_applied(
    management: Management, topology: Topology
) -> None:
    management.create_exchange("jobs", "direct", {})

    applied = apply_topology(topology, management)

    [conflict] = applied.conflicts
    assert (conflict.name, conflict.found) == ("jobs", "direct")
    assert conflict.wanted == "topic with alternate-exchange=unrouted"
    assert {queue.name for queue in management.queues()} == topology.queue_names()


def test_what_is_no_longer_wanted_goes_only_when_asked(
    management: Management, topology: Topology, applied: None
) -> None:
    management.bind("jobs", "email.send", "mail.send")
    management.bind("delay", "delay.due", "a.#", to_exchange=True)

    kept = apply_topology(topology, management)
    pruned = apply_topology(topology, management, prune=True)

    assert kept.changes == ()
    assert set(kept.stale) == {"binding jobs → email.send (mail.send)", "binding delay → delay.due (a.#)"}
    assert [change.action for change in pruned.changes] == ["removed", "removed"]
    assert find_problems(topology, read_broker_state(management)) == []


def test_a_service_that_is_named_no_more_gets_no_more_messages(
    management: Management, topology: Topology, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_topology(topology, management)
    monkeypatch.setenv("POSTROOM_SERVICES", "sms,alerting")
    kept = build_topology([])

    before = [problem.subject for problem in find_problems(kept, read_broker_state(management))]
    apply_topology(kept, management, prune=True)

    assert "binding events → email.on.user.created (user.created)" in before
    assert find_problems(kept, read_broker_state(management)) == []
    bound = {each.source for each in management.bindings() if each.destination == "email.send"}
    assert not {"jobs", "events"} & bound
    assert "delay.due" in bound  # what waits on the ladder comes back


def test_a_policy_changed_by_hand_is_put_back(management: Management, topology: Topology, applied: None) -> None:
    own = next(policy for policy in management.policies() if policy.name == "postroom.email.send")
    management.put_policy(PolicyInfo(own.name, own.pattern, own.apply_to, 1, {"delivery-limit": 5}))

    found = find_problems(topology, read_broker_state(management))
    applied_again = apply_topology(topology, management)

    assert {problem.queue for problem in found} == {"email.send"}
    assert [(change.action, change.name) for change in applied_again.changes] == [("changed", "postroom.email.send")]
    assert find_problems(topology, read_broker_state(management)) == []


def test_an_imported_export_is_the_same_as_applying(management: Management, topology: Topology) -> None:
    document = definitions(topology, management.virtual_host, management.version())
    management.import_definitions(json.loads(json.dumps(document)))

    assert find_problems(topology, read_broker_state(management)) == []
    assert apply_topology(topology, management).changes == ()


# What the policies do


async def test_the_broker_buries_a_message_that_no_worker_survives(channel: AbstractChannel) -> None:
    await put(channel, "email.send", b"deadly")
    queue = await channel.get_queue("email.send")

    async def is_dead() -> bool:
        if message := await queue.get(fail=False):
            await message.reject(requeue=True)
        return await depth(channel, "email.send.dead") > 0

    await eventually(is_dead)

    assert await bodies(channel, "email.send.dead", 1) == [b"deadly"]


async def test_looking_at_a_dead_letter_never_loses_it(channel: AbstractChannel) -> None:
    await put(channel, "email.send.dead", b"evidence")
    queue = await channel.get_queue("email.send.dead")

    for _ in range(2 * wire.DELIVERY_LIMIT):
        message = await eventually(lambda: queue.get(fail=False))
        await message.reject(requeue=True)

    assert await bodies(channel, "email.send.dead", 1) == [b"evidence"]


async def test_the_ladder_holds_every_message_for_its_time_on_the_levels_of_its_wait(channel: AbstractChannel) -> None:
    waits = range(7, 0, -1)
    began: dict[int, float] = {}
    arrived: dict[int, float] = {}
    levels: dict[int, set[str]] = {}

    async def arrive(message: AbstractIncomingMessage) -> None:
        wait = int(message.body)
        arrived[wait] = time.monotonic()
        assert seconds_on_ladder(message.headers) == wait
        levels[wait] = {death["queue"] for death in message.headers["x-death"]}
        await message.ack()

    await (await channel.get_queue("email.send")).consume(arrive)
    ladder = await channel.get_exchange(wire.DELAY)
    for wait in waits:
        began[wait] = time.monotonic()
        message = aio_pika.Message(str(wait).encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await ladder.publish(message, walk_key(timedelta(seconds=wait), "email.send"))

    await eventually(lambda: len(levels) == len(waits))

    assert all(arrived[wait] - began[wait] >= wait * ALMOST for wait in waits)
    # How late they are, the broker alone decides: it held each on these levels, once, and on no other.
    assert levels == {wait: {f"delay.{2**n}s" for n in range(20) if wait & 2**n} for wait in waits}


# Proving


async def test_every_queue_is_proven_and_no_probe_stays(url: str, topology: Topology, channel: AbstractChannel) -> None:
    told: list[Proof] = []

    proofs = await prove(url, QUEUES, PATIENT, told.append)

    assert {proof.subject: proof.outcome for proof in proofs} == dict.fromkeys((LADDER, *QUEUES), ProofOutcome.PROVEN)
    assert sorted(proof.subject for proof in told) == sorted((LADDER, *QUEUES))
    for name in topology.queue_names():
        await has_depth(channel, name, 0)


async def test_what_waits_in_the_searched_queues_is_given_back_untouched(url: str, channel: AbstractChannel) -> None:
    letters = [f"letter {number}".encode() for number in range(300)]
    await put(channel, "email.send.dead", *letters)
    await put(channel, "unrouted", b"lost")
    await put(channel, "alerting", b"an alert")

    proofs = by_subject(await prove(url, QUEUES, PATIENT))

    assert proofs["email.send"].outcome == proofs[LADDER].outcome == ProofOutcome.PROVEN
    assert await bodies(channel, "email.send.dead", 300) == letters
    assert await bodies(channel, "unrouted", 1) == [b"lost"]
    assert await bodies(channel, "alerting", 1) == [b"an alert"]


async def test_a_workers_own_rejection_is_proof(url: str, channel: AbstractChannel) -> None:
    met: list[str] = []

    async def work(message: AbstractIncomingMessage) -> None:
        met.append(message.exchange or "")
        await message.reject(requeue=wire.X_PROBE not in message.headers)

    await (await channel.get_queue("email.send")).consume(work)

    proofs = by_subject(await prove(url, ["email.send"], PATIENT))

    assert proofs["email.send"].outcome == ProofOutcome.PROVEN
    assert met == [""]  # a worker believes a probe only when it came straight to its queue


async def test_a_worker_that_swallows_the_probe_is_found(url: str, channel: AbstractChannel) -> None:
    async def swallow(message: AbstractIncomingMessage) -> None:
        await message.ack()

    await (await channel.get_queue("email.send")).consume(swallow)

    proofs = by_subject(await prove(url, ["email.send"], IMPATIENT))

    assert proofs["email.send"].outcome == ProofOutcome.FAILED
    assert proofs["email.send"].reason.startswith(
        "not in email.send.dead after 1.5 s: its worker did not reject the probe"
    )


async def test_a_way_that_leads_elsewhere_is_found(url: str, management: Management, channel: AbstractChannel) -> None:
    [binding] = [each for each in management.bindings() if each.destination == "email.send.dead"]
    management.unbind(binding)

    broken = by_subject(await prove(url, ["email.send"], IMPATIENT))
    others = by_subject(await prove(url, ["email.on.user.created"], PATIENT))

    assert broken["email.send"].outcome == ProofOutcome.FAILED
    assert others["email.on.user.created"].outcome == ProofOutcome.PROVEN


async def test_a_ladder_without_an_exit_is_found(url: str, management: Management, channel: AbstractChannel) -> None:
    [binding] = [b for b in management.bindings() if (b.source, b.destination) == (wire.DELAY_DUE, "unrouted")]
    management.unbind(binding)

    proofs = by_subject(await prove(url, [], IMPATIENT))

    assert proofs[LADDER].outcome == ProofOutcome.FAILED


async def test_messages_that_nobody_reads_are_not_disturbed(url: str, channel: AbstractChannel) -> None:
    await put(channel, "email.send", b"1", b"2")

    proofs = by_subject(await prove(url, ["email.send"], PATIENT))

    assert proofs["email.send"].outcome == ProofOutcome.NOT_PROVEN
    assert "2 messages wait and no consumer" in proofs["email.send"].reason
    message = await (await channel.get_queue("email.send")).get()
    assert not message.redelivered


async def test_more_dead_letters_than_the_limit_are_not_searched(url: str, channel: AbstractChannel) -> None:
    await put(channel, "email.send.dead", b"1", b"2", b"3")

    proofs = by_subject(await prove(url, ["email.send"], ProofLimits(PATIENT.within, most_searched=2)))

    assert proofs["email.send"].outcome == ProofOutcome.NOT_PROVEN
    assert "email.send.dead holds 3 messages, more than --search-limit 2" in proofs["email.send"].reason
    assert await depth(channel, "email.send") == 0


async def test_a_probe_that_an_earlier_check_left_behind_is_removed(url: str, channel: AbstractChannel) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    for probe, published in (("old", yesterday), ("of a check that runs", datetime.now(UTC))):
        await put(channel, "email.send.dead", b"{}", headers={wire.X_PROBE: probe}, timestamp=published)

    await prove(url, ["email.send"], PATIENT)

    await has_depth(channel, "email.send.dead", 1)


# The command line, with the services that are installed


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, vhost: VirtualHost) -> None:
    monkeypatch.setenv("POSTROOM_AMQP_URL", vhost.amqp_url)
    monkeypatch.setenv("POSTROOM_MANAGEMENT_URL", vhost.management_url)


def test_apply_then_check_ends_well(environment: None) -> None:
    run = CliRunner().invoke

    check = ["topology", "check", "--json", "--within", str(seconds(REACTION))]

    before = run(app, check)
    applied = run(app, ["topology", "apply", "--json"])
    again = run(app, ["topology", "apply"])
    after = run(app, check)

    assert before.exit_code == 1
    assert {proof["outcome"] for proof in json.loads(before.stdout)["proofs"]} == {"not proven"}
    assert applied.exit_code == again.exit_code == after.exit_code == 0
    assert json.loads(applied.stdout)["changes"]
    assert "nothing to change" in again.stdout
    answer = json.loads(after.stdout)
    assert answer["ok"] is True
    assert answer["problems"] == []
    assert {proof["outcome"] for proof in answer["proofs"]} == {"proven"}


def test_a_conflict_shows_in_the_exit_code(environment: None, management: Management) -> None:
    management.create_queue("alerting", {})

    result = CliRunner().invoke(app, ["topology", "apply"])

    assert result.exit_code == 1
    assert "queue alerting is classic, wanted is quorum" in result.stderr


def test_an_exported_file_is_what_apply_makes(
    environment: None, management: Management, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("export") / "definitions.json"
    run = CliRunner().invoke
    version = management.version()

    exported = run(app, ["topology", "export", "--output", str(file), "--broker-version", version])
    management.import_definitions(json.loads(file.read_text()))

    assert exported.exit_code == 0
    assert run(app, ["topology", "check", "--static"]).exit_code == 0
    assert "nothing to change" in run(app, ["topology", "apply"]).stdout

"""Queues and the delay ladder are proven by probes, and nothing else is disturbed."""

from datetime import UTC, datetime, timedelta

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from postroom import wire
from postroom.broker.management import Management
from postroom.broker.topology import Topology
from postroom.broker.topology.proof import LADDER, Proof, ProofLimits, ProofOutcome, prove
from postroom.testing import patience
from tests.support.patience import REACTION
from tests.support.topology import bodies, depth, has_depth, put

PATIENT = ProofLimits(within=patience(REACTION))
IMPATIENT = ProofLimits(within=timedelta(seconds=1.5))  # for what never comes
QUEUES = ("alerting", "email.send", "email.on.user.created")


def by_subject(proofs: list[Proof]) -> dict[str, Proof]:
    return {proof.subject: proof for proof in proofs}


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

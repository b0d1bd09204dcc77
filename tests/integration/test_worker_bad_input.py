"""Whatever a publisher gets wrong ends as a dead letter that says what, at its first try, and holds up nobody.

All of it is published together, among good mails, to the real e-mail service with a real mail server; each test
looks at what became of one message.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from postroom.devkit.broker_node import BrokerNode
from postroom.devkit.mailbox import MailServer
from postroom.devkit.mailbox.mails import ReceivedMail
from postroom.testing import eventually, running_service
from postroom_email.handlers import worker
from postroom_email.service import service as email_service
from tests.support.bad_mails import ALL, Bad, mail
from tests.support.patience import PROCESS_STARTS, WORK, seconds
from tests.support.worker import WorkerVhost, depth, outcome_count, publish, take_all, worker_vhost_on

GOOD_MAILS = 20
WARM_UPS = 2
OUR_HEADERS = (
    *("x-attempt", "x-attempts", "x-error-type", "x-error", "x-failed-at", "x-service", "x-queue", "x-exchange"),
    *("x-routing-key", "x-first-seen-at", "x-replays"),
)
TEMPLATES = {
    "greeting.en.subject": "Hello {{ name }}",
    "greeting.en.txt": "Hello",
    "endless.en.subject": "Soon",
    "endless.en.txt": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
}


@dataclass
class Outcome:
    """What became of everything.

    Attributes:
        counts: how often the service did, retried, postponed or buried a message, one way or another.
    """

    counts: dict[str, int] = field(default_factory=dict)
    letters: dict[str, list[AbstractIncomingMessage]] = field(default_factory=dict)
    mails: list[ReceivedMail] = field(default_factory=list)
    elsewhere: dict[str, int] = field(default_factory=dict)


@pytest.fixture(scope="module")
def outcome(broker: BrokerNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """Everything published and settled."""
    data = tmp_path_factory.mktemp("data")
    templates = data / "templates"
    templates.mkdir()
    for file, source in TEMPLATES.items():
        (templates / file).write_text(source)
    with (
        worker_vhost_on(broker) as worker_vhost,
        pytest.MonkeyPatch.context() as environment,
        asyncio.Runner() as runner,
    ):
        environment.setenv("EMAIL_SENDER", "Shop <no-reply@shop.example>")
        environment.setenv("EMAIL_TEMPLATES_DIR", str(templates))
        worker_vhost.apply(worker)
        yield runner.run(publish_everything(worker_vhost, data, environment))


async def publish_everything(worker_vhost: WorkerVhost, data: Path, environment: pytest.MonkeyPatch) -> Outcome:
    connection = await aio_pika.connect(worker_vhost.vhost.amqp_url)
    async with connection, MailServer() as server:
        environment.setenv("EMAIL_SMTP_URL", server.url)
        async with running_service(email_service, worker_vhost.settings(data)):
            outcome = Outcome()
            channel = await connection.channel()
            before = counts()
            await warm_up(channel, server)
            await asyncio.gather(*(put(channel, bad) for bad in among_good_ones(ALL)))
            await eventually(lambda: all_settled(channel, outcome, server), within=WORK)
            # Nothing more comes: a message that was buried twice, or done after all, would be seen.
            await eventually(lambda: all_settled(channel, outcome, server))
        outcome.counts = {name: count - before[name] for name, count in counts().items()}
        outcome.mails = list(server.mails)
        outcome.elsewhere = {queue: await depth(channel, queue) for queue in ("email.send", "unrouted")}
        return outcome


def counts() -> dict[str, int]:
    return {name: outcome_count("email.send", name) for name in ("done", "retried", "postponed", "dead")}


async def warm_up(channel: aio_pika.abc.AbstractChannel, server: MailServer) -> None:
    # The second starts the process in which own templates are rendered.
    await publish(channel, "jobs", "email.send", mail(subject="warm-up"))
    template = mail(subject=..., body=..., template="greeting", context={"name": "warm-up"})
    await publish(channel, "jobs", "email.send", template)
    await server.received(WARM_UPS, within_seconds=seconds(PROCESS_STARTS))


def among_good_ones(bad_ones: list[Bad]) -> Iterator[Bad]:
    step = len(bad_ones) // GOOD_MAILS
    for number in range(GOOD_MAILS):
        yield Bad(f"good {number}", mail(subject=f"good {number}"), "")
        yield from bad_ones[number * step : (number + 1) * step]
    yield from bad_ones[GOOD_MAILS * step :]


async def put(channel: aio_pika.abc.AbstractChannel, bad: Bad) -> None:
    await publish(channel, "jobs", "email.send", bad.body, **{"correlation_id": bad.id} | bad.properties)


async def all_settled(channel: aio_pika.abc.AbstractChannel, outcome: Outcome, server: MailServer) -> bool:
    for letter in await take_all(channel, "email.send.dead"):
        outcome.letters.setdefault(letter.correlation_id or "", []).append(letter)
    missing = [bad.id for bad in ALL if bad.id not in outcome.letters]
    assert not missing, f"no dead letter: {missing}"
    assert server.count == GOOD_MAILS + WARM_UPS, f"{server.count - WARM_UPS} of {GOOD_MAILS} good mails"
    return True


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.id)
def test_bad_input_dies_at_its_first_try_and_says_why(outcome: Outcome, bad: Bad) -> None:
    [letter] = outcome.letters[bad.id]

    assert letter.headers["x-error-type"] == bad.error_type
    assert bad.says in letter.headers["x-error"]
    assert letter.body == bad.body
    assert (letter.headers["x-queue"], letter.headers["x-service"]) == ("email.send", "email")
    if "x-attempt" not in bad.properties.get("headers", {}):
        assert letter.headers["x-attempt"] == 1
    assert all(len(str(value).encode()) <= 1024 for name, value in letter.headers.items() if name in OUR_HEADERS)


def test_nothing_waits_for_another_turn_neither_the_bad_nor_the_good_among_them(outcome: Outcome) -> None:
    assert outcome.counts == {"done": GOOD_MAILS + WARM_UPS, "retried": 0, "postponed": 0, "dead": len(ALL)}


def test_good_mails_among_them_arrive_and_no_bad_one_does(outcome: Outcome) -> None:
    arrived = sorted(mail.subject for mail in outcome.mails if mail.subject.startswith("good"))

    assert arrived == sorted(f"good {n}" for n in range(GOOD_MAILS))
    assert len(outcome.mails) == GOOD_MAILS + WARM_UPS


def test_dead_letters_went_nowhere_else(outcome: Outcome) -> None:
    assert outcome.elsewhere == {"email.send": 0, "unrouted": 0}


def test_no_file_of_this_machine_is_in_a_dead_letter(outcome: Outcome) -> None:
    texts = [str(letter.headers) for letters in outcome.letters.values() for letter in letters]

    assert not [text for text in texts if "root:" in text]

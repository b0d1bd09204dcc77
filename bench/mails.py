"""Mails end to end: from a confirmed publish to the mail server's answer, through the real e-mail service."""

import statistics
import time
from dataclasses import dataclass

from bench.publishing import all_there, latencies, publish_all
from bench.service import running_service
from postroom.broker.publishing import Publisher
from postroom.devkit.mailbox import MailServer, ReceivedMail
from postroom.wire.messages import SendEmail

MAILS = 3_000
JOBS_PER_SECOND = 100
LATENCY_SECONDS = 20


@dataclass(frozen=True)
class Latency:
    """From publish to delivered, in milliseconds."""

    median: float
    p99: float


class Sink(MailServer):
    """A mail server that only notes when each subject came first."""

    def __init__(self) -> None:
        super().__init__(keep=1)
        self.arrivals: dict[str, float] = {}

    def keep(self, mail: ReceivedMail) -> None:
        """Note it."""
        self.arrivals.setdefault(mail.subject, time.perf_counter())
        super().keep(mail)


async def mails_per_second(url: str, mails: int = MAILS) -> float:
    """Mails per second from the first to the last arrival, of a backlog that was there before."""
    names = subjects(mails)
    async with Publisher(url) as publisher, Sink() as sink:
        await publish_all(lambda name: publisher.publish(mail_of(name)), names)
        async with running_service("email", url, {"EMAIL_SMTP_URL": sink.url}):
            await all_there(names, sink.arrivals, within_seconds=300)
        arrivals = sorted(sink.arrivals.values())
        return (mails - 1) / (arrivals[-1] - arrivals[0])


async def latency(url: str) -> Latency:
    """At a steady JOBS_PER_SECOND."""
    names = subjects(JOBS_PER_SECOND * LATENCY_SECONDS)
    async with (
        Publisher(url) as publisher,
        Sink() as sink,
        running_service("email", url, {"EMAIL_SMTP_URL": sink.url}),
    ):
        took = await latencies(
            lambda name: publisher.publish(mail_of(name)), names, sink.arrivals, per_second=JOBS_PER_SECOND
        )
    return Latency(statistics.median(took), statistics.quantiles(took, n=100)[98])


def subjects(count: int, of_what: str = "Receipt") -> list[str]:
    """So many different ones."""
    return [f"{of_what} {number}" for number in range(count)]


def mail_of(subject: str) -> SendEmail:
    """A short mail, each to another address."""
    return SendEmail(to=[f"user{subject.rpartition(' ')[2]}@example.com"], subject=subject, body="Thank you.")

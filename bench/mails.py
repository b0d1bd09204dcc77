"""Mails end to end: from a confirmed publish to the mail server's answer, through the real e-mail service."""

import asyncio
import statistics
import time
from dataclasses import dataclass

from bench.service import running_service
from shared.mailbox import MailServer, ReceivedMail
from shared.messages import SendEmail
from shared.publishing import Publisher

MAILS = 3_000
JOBS_PER_SECOND = 100
LATENCY_SECONDS = 20


@dataclass(frozen=True)
class Latency:
    """From publish to delivered, in milliseconds."""

    median: float
    p99: float


class Sink(MailServer):
    """A mail server that only notes when each subject came."""

    def __init__(self) -> None:
        super().__init__(keep=1)
        self.arrivals: dict[str, float] = {}

    def keep(self, mail: ReceivedMail) -> None:
        """Note it."""
        self.arrivals[mail.subject] = time.perf_counter()
        super().keep(mail)

    async def until(self, count: int, within_seconds: float) -> None:
        """Return when so many different mails came."""
        async with asyncio.timeout(within_seconds):
            while len(self.arrivals) < count:
                await asyncio.sleep(0.01)


async def mails_per_second(url: str, mails: int = MAILS) -> float:
    """Mails per second from the first to the last arrival, of a backlog that was there before."""
    async with Publisher(url) as publisher, Sink() as sink:
        for start in range(0, mails, 500):
            await asyncio.gather(*(publisher.publish(_mail(start + i)) for i in range(min(500, mails - start))))
        async with running_service("email", url, {"EMAIL_SMTP_URL": sink.url}):
            await sink.until(mails, within_seconds=300)
        arrivals = sorted(sink.arrivals.values())
        return (mails - 1) / (arrivals[-1] - arrivals[0])


async def latency(url: str) -> Latency:
    """At a steady JOBS_PER_SECOND."""
    total = JOBS_PER_SECOND * LATENCY_SECONDS
    sent: dict[str, float] = {}
    async with (
        Publisher(url) as publisher,
        Sink() as sink,
        running_service("email", url, {"EMAIL_SMTP_URL": sink.url}),
    ):
        began = time.perf_counter()
        publishing = []
        for number in range(total):
            await asyncio.sleep(max(0.0, began + number / JOBS_PER_SECOND - time.perf_counter()))
            mail = _mail(number)
            sent[str(mail.subject)] = time.perf_counter()
            publishing.append(asyncio.create_task(publisher.publish(mail)))
        await asyncio.gather(*publishing)
        await sink.until(total, within_seconds=60)
        took = [(sink.arrivals[subject] - moment) * 1000 for subject, moment in sent.items()]
    return Latency(statistics.median(took), statistics.quantiles(took, n=100)[98])


def _mail(number: int) -> SendEmail:
    return SendEmail(to=[f"user{number}@example.com"], subject=f"Receipt {number}", body="Thank you.")

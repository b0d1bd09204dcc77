"""What the demo shows, step by step. Each step returns when it saw what it shows, and raises StepFailed otherwise."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.markup import escape

from postroom import wire
from postroom.devkit.demo.failures import fifty_failures, outage
from postroom.devkit.demo.steps import DemoSteps, StepFailed, StepResult
from postroom.devkit.mailbox import ReceivedMail

ADA, SLOW, GONE = "ada@example.com", "slow@example.com", "gone@example.com"
BOARD, TEAM = "board@example.com", "team@example.com"
TICKS = 3
PHONE = "+491511234567"


@dataclass(slots=True)
class DemoScenario(DemoSteps):
    """The steps, in order."""

    refused_id: str = ""

    @property
    def steps(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        """Titles and functions, in order."""
        return [
            ("A fact is published, and a mail goes out", self.welcome),
            ("A mailbox is busy: the mail is tried again", self.retry),
            ("A one-time code goes to a phone", self.one_time_code),
            ("A partner's API is out of order: the signed webhook is tried again", self.webhook),
            ("A mailbox is gone: a dead letter and an alert", self.refuse),
            ("A message is broken: the dead letter names the field", self.break_contract),
            ("The mailbox is repaired: the dead letter is replayed", self.replay),
            ("The mail server goes away while mails arrive: nothing dies", lambda: outage(self)),
            ("Fifty mails fail of one cause: one alert", lambda: fifty_failures(self)),
            ("The day becomes a report: a PDF in a mail", self.daily_report),
            ("A schedule fires every second, with two schedulers at work: each tick is one job", self.schedule),
        ]

    async def welcome(self) -> None:
        """`user.created` becomes a welcome mail."""
        body = {"id": 7, "email": ADA, "name": "Ada", "locale": "en"}
        began = time.time()
        message_id = await self.environment.publish(wire.EVENTS, "user.created", body)
        self.print_published(wire.EVENTS, "user.created", message_id, body)
        mail = await self.mail_to(ADA)
        took = (mail.received_at - began) * 1000
        self.print(f"[green]mail to {ADA}[/]: “{mail.subject}” after [b]{took:.0f} ms[/]")
        self.results.append(StepResult("user.created", f"welcome mail “{mail.subject}”", took))

    async def retry(self) -> None:
        """Two temporary refusals, then delivery."""
        self.environment.mail_server.answer(SLOW, "451 4.2.1 mailbox busy, try again later", times=2)
        began = time.time()
        await self.send(SLOW, "Your receipt")
        for number in (1, 2):
            await self.wait(self.until_retried(number), f"try {number} to fail")
            self.print(f"{time.time() - began:4.1f} s  451 mailbox busy → again in {2 ** (number - 1)} s")
        mail = await self.mail_to(SLOW)
        took = mail.received_at - began
        self.print(f"{took:4.1f} s  [green]mail to {SLOW}[/]: “{mail.subject}”, on the third try")
        self.results.append(StepResult("mail answered 451 twice", "delivered on the third try", took * 1000))

    async def one_time_code(self) -> None:
        """A code that is good for five minutes, through a gateway that prints."""
        code, expires_at = f"{secrets.randbelow(10**6):06}", datetime.now(UTC) + timedelta(minutes=5)
        body = {"id": 7, "phone": PHONE, "code": code, "expires_at": expires_at.isoformat(timespec="seconds")}
        began = time.time()
        message_id = await self.environment.publish(wire.EVENTS, "user.otp_requested", body)
        self.print_published(wire.EVENTS, "user.otp_requested", message_id, body)
        text = f"Your code is {code}."
        await self.wait(self.environment.printed(text, self.environment.patience_seconds), f"a text to {PHONE}")
        took = (time.time() - began) * 1000
        self.print(f"[green]text to {PHONE}[/]: “{text}” after {took:.0f} ms")
        self.results.append(StepResult("user.otp_requested", "one-time code texted", took))

    async def webhook(self) -> None:
        """A signed call that is answered 503 twice."""
        partner = self.environment.partner
        body = {"url": partner.url, "body": {"order": 4711}, "secret_name": "partner"}
        headers = {"backoff": "fixed", "backoff-seconds": 1}
        began = time.time()
        message_id = await self.environment.publish(wire.JOBS, "webhook.deliver", body, headers)
        self.print_published(wire.JOBS, "webhook.deliver", message_id, body)
        for number in (1, 2, 3):
            call = await self.wait(
                partner.call(number, self.environment.patience_seconds), f"call {number} of {partner.url}"
            )
            if not call.is_genuine or call.webhook_id != message_id:
                raise StepFailed(f"call {number} came with webhook-id {call.webhook_id} and a signature that is wrong")
            answer = "503 → again in 1 s" if call.status == 503 else f"[green]{call.status}[/]"
            self.print(f"{call.received_at - began:4.1f} s  webhook-id {message_id}, signature genuine: {answer}")
        took = (call.received_at - began) * 1000
        self.results.append(StepResult("webhook answered 503 twice", "delivered on the third try, signed", took))

    async def refuse(self) -> None:
        """A refusal for good."""
        self.environment.mail_server.answer(GONE, "550 5.1.1 no such user here")
        began = time.time()
        self.refused_id = await self.send(GONE, "Your invoice")
        await self.show_death(self.refused_id, "RecipientsRefused", began, "mail answered 550")

    async def break_contract(self) -> None:
        """A message that no try can mend."""
        began = time.time()
        body = {"to": ADA, "subject": ["not", "a", "text"], "body": "Hi"}
        message_id = await self.environment.publish(wire.JOBS, "email.send", body)
        self.print_published(wire.JOBS, "email.send", message_id, body)
        await self.show_death(message_id, "InvalidMessage", began, "broken message")

    async def replay(self) -> None:
        """What a person does the next morning."""
        self.environment.mail_server.repair(GONE)
        command = ["dead", "replay", "email.send.dead", "--id", self.refused_id, "--yes"]
        self.print(f"[b]$ postroom {' '.join(command)}[/]")
        began = time.time()
        async for line in self.run(command):
            self.print(f"  {escape(line)}")
        mail = await self.mail_to(GONE)
        took = (mail.received_at - began) * 1000
        self.print(f"[green]mail to {GONE}[/]: “{mail.subject}”, same id {self.refused_id}, after {took:.0f} ms")
        self.results.append(StepResult("replay of the dead letter", "delivered", took))

    async def daily_report(self) -> None:
        """The events of this demo as a PDF, made from the history and mailed."""
        today = datetime.now(UTC).date().isoformat()
        body = {
            "type": "daily-user-report",
            "initiatedBy": "demo",
            "parameters": {"day": today},
            "email_to": BOARD,
        }
        began = time.time()
        message_id = await self.environment.publish(wire.JOBS, "report.generate", body)
        self.print_published(wire.JOBS, "report.generate", message_id, body)
        mail = await self.mail_to(BOARD)
        took = (mail.received_at - began) * 1000
        document = _attached_pdf(mail)
        path = self.environment.results_folder / f"daily-user-report-{today}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document)
        self.print(
            f"[green]mail to {BOARD}[/]: “{mail.subject}”, a PDF of {len(document):,} bytes after {took:,.0f} ms"
        )
        self.print(f"look at it: [b]{escape(str(path))}[/]")
        self.results.append(StepResult("report.generate", f"PDF mailed, and kept as {path}", took))

    async def schedule(self) -> None:
        """Three ticks, from a schedule that is made by a message."""
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
        body = {
            "name": "demo",
            "cron": "* * * * * *",
            "start": start.isoformat(),
            "end": (start + timedelta(seconds=TICKS - 1)).isoformat(),
            "job": "email.send",
            "body": {"to": TEAM, "subject": "It is {{ fire_time }}", "body": "Sent by {{ schedule }}."},
        }
        message_id = await self.environment.publish(wire.JOBS, "scheduler.set", body)
        self.print_published(wire.JOBS, "scheduler.set", message_id, body)
        arrived = self.environment.mail_server.received(
            TICKS, to=TEAM, within_seconds=self.environment.patience_seconds
        )
        mails = await self.wait(arrived, f"{TICKS} mails to {TEAM}")
        await self.wait(self._until_ticks_are_done(), "the schedule's jobs to be done")
        for mail in mails:
            late = mail.received_at - datetime.fromisoformat(mail.subject.removeprefix("It is ")).timestamp()
            self.print(f"[green]mail to {TEAM}[/]: “{mail.subject}”, {late * 1000:.0f} ms after its time")
        sent = len(await self.environment.mail_server.received(TICKS, to=TEAM, within_seconds=1))
        if sent != TICKS:
            raise StepFailed(f"{TICKS} ticks became {sent} mails")
        self.print("[b]$ postroom schedules show demo[/]")
        async for line in self.run(["schedules", "show", "demo"]):
            self.print(f"  {escape(line)}")
        took = (max(mail.received_at for mail in mails) - start.timestamp()) * 1000
        self.results.append(StepResult("a schedule, two schedulers", f"{TICKS} ticks, {sent} jobs", took))

    async def _until_ticks_are_done(self) -> None:
        while True:
            shown = json.loads("".join([line async for line in self.run(["schedules", "show", "demo", "--json"])]))
            states = [tick["state"] for tick in shown["ticks"]]
            if states == ["done"] * TICKS:
                return
            await asyncio.sleep(0.2)


def _attached_pdf(mail: ReceivedMail) -> bytes:
    for part in mail.message.iter_attachments():
        if part.get_content_type() == "application/pdf":
            content = part.get_content()
            if isinstance(content, bytes) and content.startswith(b"%PDF-"):
                return content
    raise StepFailed(f"the mail “{mail.subject}” carries no PDF")

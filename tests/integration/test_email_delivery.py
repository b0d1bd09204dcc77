"""Handlers, delivery log, templates and mailer together, against a real SMTP server and a real database."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dkim
import pytest

from postroom import wire
from postroom.devkit.mailbox import MailServer
from postroom.runtime.assembly import Runtime
from postroom.settings import RuntimeSettings
from postroom.wire.messages import Message, SendEmail, UserCreated, UserPasswordResetRequested
from postroom.worker import Delivery
from postroom_email.adapters import adapters
from postroom_email.errors import (
    MailServersUnavailable,
    RecipientsDeferred,
    RecipientsRefused,
    RecipientsSuppressed,
)
from postroom_email.handlers import worker
from postroom_email.mail_sender import MailSender
from tests.support.databases import service_database
from tests.support.email_fakes import make_delivery, make_send_email
from tests.support.smtp import make_rsa_key

ADA, BOB = "ada@example.com", "bob@example.com"


class Service:
    """The e-mail service without a broker: what comes from a queue is handed to its handler."""

    def __init__(self, mail_sender: MailSender) -> None:
        self._mail_sender = mail_sender

    async def take(self, message: Message, queue: str = "email.send", **delivery: object) -> None:
        handler = worker.subscriptions[queue].bind({MailSender: self._mail_sender})
        await handler(message, make_delivery(queue=queue, **delivery))


@asynccontextmanager
async def started(data: Path) -> AsyncIterator[Service]:
    settings = RuntimeSettings(data_dir=data)
    database = service_database(settings.service_database_url("email"), "email")
    await database.migrate()
    try:
        async with adapters(Runtime(settings, database, None, lambda: 1)) as built:  # type: ignore[arg-type]
            yield Service(built[MailSender])
    finally:
        await database.close()


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as running:
        yield running


@pytest.fixture
def environment(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("EMAIL_SMTP_URL", server.url)
    monkeypatch.setenv("EMAIL_SENDER", "Acme <no-reply@acme.example>")
    return monkeypatch


@pytest.fixture
async def service(environment: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Service]:
    async with started(tmp_path) as running:
        yield running


async def test_a_job_becomes_a_mail(service: Service, server: MailServer):
    await service.take(make_send_email(to=f"Ada <{ADA}>", cc=BOB, bcc="eve@example.com", html="<p>Hello</p>"))

    (mail,) = server.mails
    assert mail.sender == "no-reply@acme.example"
    assert mail.recipients == (ADA, BOB, "eve@example.com")
    assert (mail.message["From"], mail.message["To"]) == ("Acme <no-reply@acme.example>", f"Ada <{ADA}>")
    assert mail.message["Message-ID"] == "<job-1@acme.example>"
    assert "Bcc" not in mail.message
    assert b"eve@" not in mail.content
    assert (mail.text().strip(), mail.text("html").strip()) == ("Hello Ada", "<p>Hello</p>")


async def test_a_new_user_is_welcomed(service: Service, server: MailServer):
    await service.take(
        UserCreated(id=1, email=ADA, name="Ada", locale="de-AT"), "email.on.user.created", message_id="event-1"
    )

    (mail,) = server.mails_to(ADA)
    assert mail.subject == "Willkommen bei Acme"
    assert "Willkommen, Ada!" in mail.text()
    assert "Willkommen, Ada!" in mail.text("html")


async def test_a_reset_link_is_sent(service: Service, server: MailServer):
    event = UserPasswordResetRequested(id=1, email=ADA, reset_url="https://acme.example/reset?a=1&b=2")

    await service.take(event, "email.on.user.password_reset_requested")

    (mail,) = server.mails_to(ADA)
    assert "https://acme.example/reset?a=1&b=2" in mail.text()
    assert 'href="https://acme.example/reset?a=1&amp;b=2"' in mail.text("html")


async def test_nobody_gets_a_mail_twice_though_the_process_died_and_another_took_over(
    environment: pytest.MonkeyPatch, server: MailServer, tmp_path: Path
):
    job = make_send_email(to=[ADA, BOB])
    server.answer(BOB, "451 4.2.1 greylisted", times=1)
    async with started(tmp_path) as first:
        with pytest.raises(RecipientsDeferred, match=r"^1 of 2 recipients: bob@example.com deferred \(451 4.2.1 grey"):
            await first.take(job)

    async with started(tmp_path) as second:
        await second.take(job, headers={wire.X_ATTEMPT: 1})
        await second.take(job, redelivered=True)

    assert [mail.recipients for mail in server.mails] == [(ADA,), (BOB,)]


async def test_a_mailbox_that_does_not_exist_is_suppressed_until_a_replay_succeeds(
    service: Service, server: MailServer
):
    server.answer(ADA, "550 5.1.1 no such user", times=1)
    with pytest.raises(RecipientsRefused, match=r"^ada@example.com refused \(550 5.1.1 no such user\)$"):
        await service.take(make_send_email())
    with pytest.raises(RecipientsSuppressed, match="no such user"):
        await service.take(make_send_email(), message_id="job-2")
    assert server.count == 0

    await service.take(make_send_email(), headers={wire.X_FAILED_AT: "2026-01-01T00:00:00Z"})
    await service.take(make_send_email(), message_id="job-3")

    assert server.count == 2


async def test_a_server_that_is_away_is_no_mail_s_fault(service: Service, server: MailServer):
    await server.go_away()
    with pytest.raises(MailServersUnavailable):
        await service.take(make_send_email())
    await server.come_back()

    await service.take(make_send_email())

    assert server.count == 1


async def test_a_report_is_attached_from_the_storage(service: Service, server: MailServer, tmp_path: Path):
    report = tmp_path / "reports" / "2026" / "q1.pdf"
    report.parent.mkdir(parents=True)
    report.write_bytes(b"%PDF-")

    await service.take(
        SendEmail(
            to=[ADA],
            template="report-ready",
            context={"type": "quarter", "format": "pdf", "rows": 3, "bytes": 5, "url": report.as_uri()},
            attachments=[{"filename": "q1.pdf", "url": report.as_uri()}],
        )
    )

    (part,) = server.mails[0].message.iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("q1.pdf", b"%PDF-")


async def test_many_mails_at_once_each_arrive_once(service: Service, server: MailServer):
    await asyncio.gather(
        *(service.take(make_send_email(to=f"user{i}@example.com"), message_id=f"job-{i}") for i in range(200))
    )

    assert sorted(mail.recipients[0] for mail in server.mails) == sorted(f"user{i}@example.com" for i in range(200))
    assert server.connections <= 10


async def test_a_signed_mail_is_found_genuine(environment: pytest.MonkeyPatch, server: MailServer, tmp_path: Path):
    key, public = make_rsa_key(tmp_path)
    environment.setenv("EMAIL_DKIM_SELECTOR", "post")
    environment.setenv("EMAIL_DKIM_KEY_FILE", str(key))
    asked = []

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return f"v=DKIM1; k=rsa; p={public}".encode()

    async with started(tmp_path) as service:
        await service.take(
            make_send_email(
                subject="Grüße " * 20,
                html="<p>ü</p>",
                to=[f"Müller, {i} <user{i}@example.com>" for i in range(20)],
                unsubscribe_url="https://acme.example/u?" + "a" * 100,
                attachments=[{"filename": "ü.bin", "content": "AAAA"}],
            )
        )

    (mail,) = server.mails
    assert dkim.verify(mail.content, dnsfunc=look_up)
    signed = re.search(rb"h=([^;]+);", mail.content)
    assert signed is not None
    assert re.split(rb"\s*:\s*", signed[1]).count(b"from") == 2  # nobody can put a second one in front
    assert asked == [b"post._domainkey.acme.example."]
    assert not dkim.verify(mail.content.replace(b"user1@", b"eve1@"), dnsfunc=look_up)
    assert not dkim.verify(b"From: eve@example.com\r\n" + mail.content, dnsfunc=look_up)


async def test_the_console_prints_instead(
    environment: pytest.MonkeyPatch, server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    environment.setenv("EMAIL_SMTP_URL", "console://")

    async with started(tmp_path) as service:
        await service.take(make_send_email())

    assert "Subject: Hello" in capsys.readouterr().out
    assert server.connections == 0


def test_a_delivery_is_what_handlers_may_ask_for():
    assert make_delivery().__class__ is Delivery

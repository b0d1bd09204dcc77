"""What every mailer keeps, run against the fake, the console and a real SMTP server."""

import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from postroom.devkit.mailbox import MailServer
from postroom.tls import system_authorities
from postroom_email.errors import MailServersUnavailable
from postroom_email.mailer import MailEnvelope, Mailer, SmtpStage
from postroom_email.mailer.console import ConsoleMailer
from postroom_email.mailer.smtp import smtp_mailer
from postroom_email.smtp_servers import parse_servers
from tests.support.email_fakes import RecordingMailer
from tests.support.patience import REACTION, seconds

ADA, BOB = "ada@example.com", "bob@example.com"
CONTENT = b"From: a@example.com\r\nTo: ada@example.com\r\nSubject: Hello\r\n\r\nHello\r\n..dots\r\n.\r\n"


@dataclass
class Setup:
    """A mailer and how the far side is told to behave."""

    mailer: Mailer
    taken: Callable[[], list[tuple[str, ...]]]
    refuse: Callable[[str, int, str], None]
    refuse_content: Callable[[int, str], None]
    break_down: Callable[[], object]


async def _real() -> AsyncIterator[Setup]:
    async with (
        MailServer() as server,
        smtp_mailer(
            parse_servers(server.url),
            connections=2,
            timeout_seconds=seconds(REACTION),
            tls=system_authorities(),
        ) as mailer,
    ):
        yield Setup(
            mailer,
            taken=lambda: [mail.recipients for mail in server.mails],
            refuse=lambda mailbox, code, text: server.answer(mailbox, f"{code} {text}"),
            refuse_content=lambda code, text: server.answer_content(f"{code} {text}"),
            break_down=server.go_away,
        )


async def _fake() -> AsyncIterator[Setup]:
    mailer = RecordingMailer()

    async def break_down() -> None:
        mailer.error = MailServersUnavailable("told to")

    yield Setup(
        mailer,
        taken=lambda: mailer.recipients,
        refuse=lambda mailbox, code, text: mailer.refusals.update({mailbox: (code, text)}),
        refuse_content=lambda code, text: setattr(mailer, "content_answer", (code, text)),
        break_down=break_down,
    )


@pytest.fixture(params=[_real, _fake], ids=["smtp", "fake"])
async def setup(request: pytest.FixtureRequest) -> AsyncIterator[Setup]:
    async for made in request.param():
        yield made


async def test_a_mail_goes_to_all_its_recipients_at_once(setup: Setup):
    answers = await setup.mailer.send(MailEnvelope("me@example.com", (ADA, BOB), CONTENT))

    assert [(answer.recipient, answer.is_accepted) for answer in answers] == [(ADA, True), (BOB, True)]
    assert setup.taken() == [(ADA, BOB)]


async def test_a_refused_recipient_keeps_the_mail_from_nobody_else(setup: Setup):
    setup.refuse(ADA, 550, "5.1.1 no such user")

    answers = {a.recipient: a for a in await setup.mailer.send(MailEnvelope("me@example.com", (ADA, BOB), CONTENT))}

    assert str(answers[ADA]) == "550 5.1.1 no such user"
    assert answers[ADA].says_no_such_user
    assert answers[ADA].stage is SmtpStage.RECIPIENT
    assert answers[BOB].is_accepted
    assert setup.taken() == [(BOB,)]


async def test_nobody_left_is_no_mail(setup: Setup):
    setup.refuse(ADA, 451, "4.3.0 later")

    (answer,) = await setup.mailer.send(MailEnvelope("me@example.com", (ADA,), CONTENT))

    assert answer.is_temporary
    assert setup.taken() == []


async def test_refused_content_is_refused_for_each(setup: Setup):
    setup.refuse_content(554, "5.7.1 spam")

    answers = await setup.mailer.send(MailEnvelope("me@example.com", (ADA, BOB), CONTENT))

    assert [(str(a), a.stage, a.says_no_such_user) for a in answers] == [
        ("554 5.7.1 spam", SmtpStage.CONTENT, False)
    ] * 2
    assert setup.taken() == []


async def test_a_server_that_is_away_is_the_provider_s_fault(setup: Setup):
    await setup.break_down()

    with pytest.raises(MailServersUnavailable):
        await setup.mailer.send(MailEnvelope("me@example.com", (ADA,), CONTENT))


async def test_the_console_prints_what_a_person_would_read():
    output = io.StringIO()

    (answer,) = await ConsoleMailer(output).send(MailEnvelope("me@example.com", (ADA,), CONTENT))

    assert answer.is_accepted
    assert output.getvalue().splitlines()[:6] == [
        "── mail to ada@example.com",
        "From: a@example.com",
        "To: ada@example.com",
        "Subject: Hello",
        "",
        "Hello",
    ]

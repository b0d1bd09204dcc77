"""The mailer against a real SMTP server: kept connections, connections that break, what is nobody's fault."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from postroom.devkit.mailbox import HANG_UP, MailServer, session
from postroom.testing import eventually
from postroom.wire.errors import ProviderUnavailable
from postroom_email.errors import AnswerLost, MailServersUnavailable
from postroom_email.mailer import SmtpStage
from tests.support.smtp_mailer import ADA, envelope, mailer_for


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as started:
        yield started


async def test_a_connection_is_kept_for_the_next_mail(server: MailServer):
    async with mailer_for(server.url) as mailer:
        for _ in range(5):
            await mailer.send(envelope())

    assert (server.count, server.connections) == (5, 1)


async def test_connections_are_no_more_than_allowed(server: MailServer):
    server.content_delay_seconds = 0.01
    async with mailer_for(server.url, connections=3) as mailer:
        await asyncio.gather(*(mailer.send(envelope()) for _ in range(30)))

    assert (server.count, server.connections) == (30, 3)


async def test_connections_are_closed_at_the_end(server: MailServer):
    async with mailer_for(server.url) as mailer:
        await mailer.send(envelope())

    await server.quiet()


async def test_a_refused_mail_does_not_spoil_its_connection(server: MailServer):
    server.answer("bob@example.com", "550 5.7.1 blocked")
    server.answer_sender("451 4.3.0 later", times=1)
    server.answer_content("554 5.7.1 spam", times=1)
    async with mailer_for(server.url) as mailer:
        (sender_refused,) = await mailer.send(envelope())
        (recipient_refused,) = await mailer.send(envelope("bob@example.com"))
        (content_refused,) = await mailer.send(envelope())
        (accepted,) = await mailer.send(envelope())

    stages = [sender_refused.stage, recipient_refused.stage, content_refused.stage]
    assert stages == [SmtpStage.SENDER, SmtpStage.RECIPIENT, SmtpStage.CONTENT]
    assert accepted.is_accepted
    assert (server.count, server.connections) == (1, 1)


@pytest.mark.parametrize("is_noticed_first", [True, False])
async def test_a_connection_lost_while_idle_is_replaced_unnoticed(server: MailServer, is_noticed_first: bool):
    async with mailer_for(server.url) as mailer:
        await mailer.send(envelope())
        server.hang_up()
        if is_noticed_first:
            await server.quiet()

        (answer,) = await mailer.send(envelope())

    assert answer.is_accepted
    assert (server.count, server.connections) == (2, 2)


async def test_a_kept_connection_whose_time_is_up_is_replaced_unnoticed(server: MailServer):
    async with mailer_for(server.url) as mailer:
        await mailer.send(envelope())
        server.answer_sender("421 4.4.2 idle too long", times=1)

        (answer,) = await mailer.send(envelope())

    assert answer.is_accepted


async def test_a_restarted_server_is_used_again_at_once(server: MailServer):
    async with mailer_for(server.url) as mailer:
        await mailer.send(envelope())
        await server.go_away()
        with pytest.raises(MailServersUnavailable, match=f"127.0.0.1:{server.port}: "):
            await mailer.send(envelope())
        await server.come_back()

        (answer,) = await mailer.send(envelope())

    assert answer.is_accepted


async def test_a_server_with_room_for_fewer_connections_gets_fewer(server: MailServer):
    server.connection_limit = 2
    server.content_delay_seconds = 0.01
    async with mailer_for(server.url, connections=8) as mailer:
        answers = await asyncio.gather(*(mailer.send(envelope()) for _ in range(20)))

    assert all(answer.is_accepted for (answer,) in answers)
    assert server.count == 20


@pytest.mark.parametrize("answer", ["421 4.3.2 shutting down", HANG_UP])
@pytest.mark.parametrize("where", ["greet", "answer_sender", "recipient"])
async def test_before_the_content_a_closing_server_is_the_provider_s_fault(server: MailServer, where: str, answer: str):
    if where == "recipient":
        server.answer(ADA, answer)
    else:
        getattr(server, where)(answer)
    async with mailer_for(server.url) as mailer:
        with pytest.raises(ProviderUnavailable):
            await mailer.send(envelope())

    assert server.count == 0


async def test_the_log_of_a_server_that_takes_no_mail_has_nobodys_address(
    server: MailServer, caplog: pytest.LogCaptureFixture
):
    server.answer(ADA, f"421 4.7.0 <{ADA}>: try later")
    async with mailer_for(server.url) as mailer:
        with pytest.raises(MailServersUnavailable):
            await mailer.send(envelope())

    assert "takes no mail: 421 4.7.0" in caplog.text
    assert ADA not in caplog.text


async def test_an_answer_that_never_comes_counts_as_a_try(server: MailServer):
    server.answer_content(HANG_UP, times=1)
    async with mailer_for(server.url) as mailer:
        with pytest.raises(AnswerLost) as caught:
            await mailer.send(envelope())

    assert not isinstance(caught.value, ProviderUnavailable)
    assert server.count == 1


async def test_an_answer_after_the_content_may_be_about_the_content(server: MailServer):
    server.answer_content("421 4.7.0 go away", times=1)
    async with mailer_for(server.url) as mailer:
        (answer,) = await mailer.send(envelope())

    assert answer.is_temporary


async def test_a_server_that_says_nothing_times_out():
    is_over = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        is_over.set()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent, mailer_for(f"smtp://127.0.0.1:{silent.sockets[0].getsockname()[1]}", timeout=0.2) as mailer:
        with pytest.raises(MailServersUnavailable, match="Timed out"):
            await mailer.send(envelope())
        await is_over.wait()


async def test_mails_that_waited_for_a_connection_that_failed_do_not_each_find_out_by_themselves():
    asked = left = 0

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked, left
        asked += 1
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left += 1

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    async with silent, mailer_for(url, timeout=0.3, connections=2) as mailer:
        errors = await asyncio.gather(*(mailer.send(envelope()) for _ in range(20)), return_exceptions=True)

        assert {type(error) for error in errors} == {MailServersUnavailable}
        with pytest.raises(MailServersUnavailable):
            await mailer.send(envelope())  # what comes later does
        await eventually(lambda: asked >= 3 and left == asked)
        assert asked == 2 + 1


async def test_a_cancelled_mail_takes_its_connection_with_it(server: MailServer, monkeypatch: pytest.MonkeyPatch):
    content_came, handle = asyncio.Event(), session._Hooks.handle_DATA

    async def note(*arguments: Any) -> str:
        content_came.set()
        return await handle(*arguments)

    monkeypatch.setattr(session._Hooks, "handle_DATA", note)
    server.content_delay_seconds = 3600
    async with mailer_for(server.url, connections=1) as mailer:
        mail = asyncio.create_task(mailer.send(envelope()))
        await content_came.wait()
        mail.cancel()
        await asyncio.gather(mail, return_exceptions=True)
        server.content_delay_seconds = 0

        (answer,) = await mailer.send(envelope(content=b"Subject: second\r\n\r\n"))

    assert answer.is_accepted
    assert server.mails[-1].subject == "second"
    assert server.connections == 2


async def test_lines_that_begin_with_dots_arrive_whole(server: MailServer):
    content = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nend\r\n"
    async with mailer_for(server.url) as mailer:
        await mailer.send(envelope(content=content))

    assert server.mails[0].content == content

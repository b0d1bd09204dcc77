"""Several mail servers, TLS, logins and addresses: which server gets a mail, and which gets nothing."""

from collections.abc import AsyncIterator

import pytest

from postroom.devkit.mailbox import MailServer
from postroom.testing import eventually
from postroom_email.errors import MailServersUnavailable
from tests.support.smtp import Certificates, make_certificates
from tests.support.smtp_mailer import ADA, envelope, mailer_for


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as started:
        yield started


@pytest.fixture
async def second() -> AsyncIterator[MailServer]:
    async with MailServer() as started:
        yield started


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("authority"))


async def test_the_second_server_takes_over_and_the_first_is_used_again_once_it_is_back(
    server: MailServer, second: MailServer
):
    await server.go_away()
    async with mailer_for(f"{server.url},{second.url}", rest=0.2) as mailer:
        await mailer.send(envelope())
        assert second.count == 1
        await server.come_back()

        async def first_takes_mail() -> bool:
            await mailer.send(envelope())
            return server.count > 0

        await eventually(first_takes_mail)
        before = second.count
        await mailer.send(envelope())

    assert second.count == before


async def test_no_mail_waits_for_a_server_known_to_be_away(server: MailServer, second: MailServer):
    server.greet("421 4.3.2 shutting down")
    async with mailer_for(f"{server.url},{second.url}") as mailer:
        for _ in range(10):
            await mailer.send(envelope())

    assert (server.connections, second.count) == (1, 10)


async def test_a_refusal_is_an_answer_and_not_carried_to_the_next_server(server: MailServer, second: MailServer):
    server.answer(ADA, "550 5.1.1 no such user")
    async with mailer_for(f"{server.url},{second.url}") as mailer:
        (answer,) = await mailer.send(envelope())

    assert not answer.is_accepted
    assert second.connections == 0


async def test_all_servers_away_are_all_named(server: MailServer, second: MailServer):
    await server.go_away()
    await second.go_away()
    async with mailer_for(f"{server.url},{second.url}") as mailer:
        with pytest.raises(MailServersUnavailable, match=rf":{server.port}: .*:{second.port}: "):
            await mailer.send(envelope())


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_mails_travel_over_verified_tls(certificates: Certificates, tls):
    logins = {"postroom": "canary"}
    async with MailServer(tls=tls, certificate=certificates.server(), logins=logins) as server:
        url = server.url.replace("://", "://postroom:canary@")
        async with mailer_for(url, ca_file=certificates.ca_file) as mailer:
            await mailer.send(envelope())

        assert (server.mails[0].over_tls, server.mails[0].login) == (True, "postroom")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("problem", ["unknown authority", "another name"])
async def test_a_server_that_cannot_be_trusted_gets_nothing(certificates: Certificates, tls, problem: str):
    name = "mail.example.com" if problem == "another name" else "127.0.0.1"
    ca_file = certificates.ca_file if problem == "another name" else None
    async with MailServer(tls=tls, certificate=certificates.server(name), logins={"postroom": "canary"}) as server:
        url = server.url.replace("://", "://postroom:canary@")
        async with mailer_for(url, ca_file=ca_file) as mailer:
            with pytest.raises(MailServersUnavailable, match=r"(?i)certificate") as caught:
                await mailer.send(envelope())

    assert server.count == 0
    assert "canary" not in str(caught.value)


async def test_a_server_without_starttls_gets_nothing(server: MailServer):
    async with mailer_for(f"{server.url}?tls=starttls") as mailer:
        with pytest.raises(MailServersUnavailable, match="STARTTLS"):
            await mailer.send(envelope())

    assert server.count == 0


async def test_a_refused_login_is_told_without_the_password(certificates: Certificates):
    async with MailServer(tls="implicit", certificate=certificates.server(), logins={"postroom": "right"}) as server:
        url = server.url.replace("://", "://postroom:canary@")
        async with mailer_for(url, ca_file=certificates.ca_file) as mailer:
            with pytest.raises(MailServersUnavailable, match=r"login was refused \(535\)") as caught:
                await mailer.send(envelope())

    assert "canary" not in str(caught.value)


async def test_a_missing_login_is_no_mail_s_fault():
    async with MailServer(logins={"postroom": "right"}) as server, mailer_for(server.url) as mailer:
        with pytest.raises(MailServersUnavailable, match="wants a login"):
            await mailer.send(envelope())


async def test_an_international_address_needs_a_server_that_takes_it(server: MailServer):
    async with mailer_for(server.url) as mailer:
        (answer,) = await mailer.send(envelope("jörg@xn--bcher-kva.example", utf8=True))
        assert answer.is_accepted
        server.offers_smtputf8 = False
        server.hang_up()

        (answer,) = await mailer.send(envelope("jörg@xn--bcher-kva.example", utf8=True))

    assert str(answer).startswith("553 5.6.7")
    assert server.mails[0].recipients == ("jörg@xn--bcher-kva.example",)

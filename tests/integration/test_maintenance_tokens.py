"""OAuth2: tokens refreshed before they run out, stored encrypted, and used to log in at a mail server."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography.fernet import Fernet
from pydantic import SecretStr

from postroom.devkit.ports import free_ports
from postroom.storage.tokens import Credential, NoToken, TokenVault
from postroom.tls import system_authorities
from postroom.wire.errors import ConfigurationError, PermanentFailure, ProviderUnavailable, TemporaryFailure
from postroom_email.errors import MailServersUnavailable
from postroom_email.mailer import MailEnvelope
from postroom_email.mailer.smtp import smtp_mailer
from postroom_email.smtp_servers import parse_servers
from postroom_maintenance.errors import TokenRefused
from postroom_maintenance.token_refresh import TokenRefresher
from tests.support.patience import REACTION, seconds

CANARY = "canary-refresh"


class Provider:
    """A token endpoint. `answers` are given in order, the last one again and again."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = [(200, {"access_token": "access-1", "expires_in": 3600})]
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                provider.asked.append(parse_qs(self.rfile.read(length).decode()))
                status, body = provider.answers[0] if len(provider.answers) == 1 else provider.answers.pop(0)
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/token"


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    thread = Thread(target=provider.server.serve_forever, args=(0.05,))
    thread.start()
    yield provider
    provider.server.shutdown()
    provider.server.server_close()
    thread.join()


@pytest.fixture
def key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


@pytest.fixture
def vault(tmp_path: Path, key: SecretStr) -> TokenVault:
    return TokenVault(tmp_path / "tokens", key)


def credential(url: str, **changes: Any) -> Credential:
    fields = {"token_url": url, "client_id": "postroom", "client_secret": "canary-secret", "refresh_token": CANARY}
    return Credential.model_validate(fields | changes)


async def test_a_token_that_runs_out_is_refreshed_and_a_good_one_left_alone(
    provider: Provider, vault: TokenVault
) -> None:
    good = {"access_token": "good", "expires_at": datetime.now(UTC) + timedelta(hours=2)}
    vault.write("old", credential(provider.url))
    vault.write("new", credential(provider.url, **good))

    assert await TokenRefresher(vault).refresh() == ["old"]

    assert await vault.access_token("old") == "access-1"
    assert await vault.access_token("new") == "good"
    assert provider.asked[0]["grant_type"] == ["refresh_token"]
    assert provider.asked[0]["refresh_token"] == [CANARY]
    assert await TokenRefresher(vault).refresh() == []


async def test_a_refresh_token_that_the_provider_changes_is_kept(provider: Provider, vault: TokenVault) -> None:
    provider.answers = [(200, {"access_token": "a", "expires_in": 60, "refresh_token": "second"})]
    vault.write("google", credential(provider.url))

    await TokenRefresher(vault).refresh("google")
    await TokenRefresher(vault).refresh("google")

    assert [asked["refresh_token"] for asked in provider.asked] == [[CANARY], ["second"]]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, {"error": "invalid_grant", "error_description": CANARY}), TokenRefused),
        ((503, {}), TemporaryFailure),
        ((200, {"hello": "you"}), TemporaryFailure),
    ],
)
async def test_what_the_provider_refuses_is_told_without_secrets(
    provider: Provider, vault: TokenVault, answer: tuple[int, dict[str, Any]], error: type[Exception]
) -> None:
    provider.answers = [answer]
    vault.write("google", credential(provider.url, access_token="still-good", expires_at=datetime.now(UTC)))
    with pytest.raises(error, match="google: ") as caught:
        await TokenRefresher(vault).refresh()
    assert "canary" not in str(caught.value)
    assert vault.read("google").access_token.get_secret_value() == "still-good"


async def test_one_that_fails_keeps_no_other_from_being_refreshed(provider: Provider, vault: TokenVault) -> None:
    (port,) = free_ports(1)
    vault.write("away", credential(f"http://127.0.0.1:{port}/token"))
    vault.write("there", credential(provider.url))
    with pytest.raises(ProviderUnavailable, match="away: the provider was not reached"):
        await TokenRefresher(vault).refresh()
    assert await vault.access_token("there") == "access-1"


async def test_an_unknown_credential_is_no_reason_to_try_again(vault: TokenVault) -> None:
    with pytest.raises(PermanentFailure, match="there is no credential 'moon'"):
        await TokenRefresher(vault).refresh("moon")


def test_nothing_readable_lies_on_the_disk(vault: TokenVault, tmp_path: Path) -> None:
    vault.write("google", credential("https://example.com/token", access_token="canary-access"))
    (file,) = (tmp_path / "tokens").iterdir()
    assert b"canary" not in file.read_bytes()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "canary" not in repr(vault.read("google"))


def test_keys_are_changed_by_putting_the_new_one_first(tmp_path: Path, key: SecretStr) -> None:
    TokenVault(tmp_path, key).write("google", credential("https://example.com/token"))
    new = Fernet.generate_key().decode()
    assert TokenVault(tmp_path, SecretStr(f"{new},{key.get_secret_value()}")).read("google").client_id == "postroom"
    with pytest.raises(NoToken, match="not readable with POSTROOM_TOKEN_KEY"):
        TokenVault(tmp_path, SecretStr(new)).read("google")
    with pytest.raises(NoToken, match="POSTROOM_TOKEN_KEY is not set"):
        TokenVault(tmp_path, None).read("google")
    with pytest.raises(ConfigurationError, match="POSTROOM_TOKEN_KEY: not a key"):
        TokenVault(tmp_path, SecretStr("canary"))


@pytest.mark.parametrize("name", ["../escape", "a/b", "", "UPPER", "~staged"])
def test_a_name_leads_nowhere_else(vault: TokenVault, name: str) -> None:
    with pytest.raises(NoToken):
        vault.write(name, credential("https://example.com/token"))


class OAuthServer:
    """A mail server that takes one access token."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.mails: list[bytes] = []
        self.logins: list[bool] = []

    async def auth_XOAUTH2(self, _server: Any, arguments: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        said = base64.b64decode(arguments[1])
        self.logins.append(said == f"user=ada@example.com\x01auth=Bearer {self.token}\x01\x01".encode())
        return AuthResult(success=self.logins[-1], handled=False)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append(envelope.content)
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[tuple[OAuthServer, int]]:
    handler = OAuthServer("access-1")
    (port,) = free_ports(1)
    controller = Controller(handler, hostname="127.0.0.1", port=port, auth_require_tls=False)
    controller.start()
    yield handler, port
    controller.stop()


async def test_the_email_service_logs_in_with_the_refreshed_token(
    provider: Provider, vault: TokenVault, mail_server: tuple[OAuthServer, int]
) -> None:
    server, port = mail_server
    vault.write("google", credential(provider.url))
    servers = parse_servers(f"smtp://ada%40example.com@127.0.0.1:{port}?token=google")
    envelope = MailEnvelope("ada@example.com", ("bob@example.com",), b"Subject: Hi\r\n\r\nHi\r\n")
    async with smtp_mailer(
        servers,
        connections=1,
        timeout_seconds=seconds(REACTION),
        tls=system_authorities(),
        access_token=vault.access_token,
        rest_seconds=0,
    ) as mailer:
        with pytest.raises(MailServersUnavailable, match="the access token has run out"):
            await mailer.send(envelope)
        await TokenRefresher(vault).refresh()
        await mailer.send(envelope)
    assert (server.logins, len(server.mails)) == ([True], 1)

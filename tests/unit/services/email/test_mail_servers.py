import pytest

from postroom.wire.errors import ConfigurationError
from postroom_email.settings import EmailSettings
from postroom_email.signing import Unsigned
from postroom_email.smtp_servers import parse_servers


def test_a_url_says_how_a_server_is_spoken_to():
    (server,) = parse_servers("smtp://us%40er:pa%2Css@mail.example.com:2525?tls=starttls")

    assert (server.host, server.port, server.tls, server.user) == ("mail.example.com", 2525, "starttls", "us@er")
    assert server.password.get_secret_value() == "pa,ss"


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [
        ("smtp://mail.example.com", 25, "none"),
        ("smtp://mail.example.com?tls=starttls", 587, "starttls"),
        ("smtps://mail.example.com", 465, "implicit"),
        ("smtp://u:p@127.0.0.1:1025", 1025, "none"),
        ("smtp://u:p@mail.example.com?tls=none", 25, "none"),
        ("smtp://[::1]:1025", 1025, "none"),
    ],
)
def test_ports_follow_from_the_way_of_speaking(url: str, port: int, tls: str):
    (server,) = parse_servers(url)

    assert (server.port, server.tls) == (port, tls)


def test_several_servers_stay_in_order_and_a_comma_may_stand_in_a_password():
    servers = parse_servers("smtps://u:a,b@one.example, smtp://two.example:26")

    assert [server.label for server in servers] == ["one.example:465", "two.example:26"]
    assert servers[0].password.get_secret_value() == "a,b"


@pytest.mark.parametrize(
    "url",
    [
        *("http://user:canary@example.com", "smtp://", "user:canary@example.com", "smtp://user:canary@example.com"),
        *("smtp://user:canary@example.com:port?tls=starttls", "smtps://user:canary@example.com?verify=no"),
        "smtps://user:canary@example.com?token=google",
        *("smtp://user:canary@example.com?tls=maybe", "smtp://user:canary@[::1", ""),
    ],
)
def test_a_wrong_url_is_refused_without_telling_the_password(url: str):
    with pytest.raises(ConfigurationError, match="EMAIL_SMTP_URL: ") as caught:
        parse_servers(url)

    assert "canary" not in str(caught.value)


def test_a_password_does_not_show_in_a_server():
    (server,) = parse_servers("smtps://user:canary@example.com")

    assert "canary" not in repr(server)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EMAIL_SMTP_URL", "console://")
    monkeypatch.setenv("EMAIL_SENDER", "Acme <hello@acme.example>")
    monkeypatch.setenv("EMAIL_ALLOWED_SENDERS", "News@acme.example, @sales.example")

    settings = EmailSettings()

    assert settings.prints
    assert settings.senders().allowed == {"news@acme.example", "@sales.example"}
    assert settings.template_values()["brand"] == "Acme"
    assert isinstance(settings.signer(), Unsigned)


@pytest.mark.parametrize(("variable", "value"), [("EMAIL_SENDER", "nobody"), ("EMAIL_DKIM_SELECTOR", "only-this")])
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str):
    monkeypatch.setenv(variable, value)
    settings = EmailSettings()

    with pytest.raises(ConfigurationError, match=variable):
        (settings.senders(), settings.signer())

"""Settings of the runtime: read from the environment, secrets hidden, mistakes named."""

from pathlib import Path

import pytest

from postroom.settings import DEFAULT_AMQP_URL, RuntimeSettings, read_settings
from postroom.wire.errors import ConfigurationError


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in RuntimeSettings.model_fields:
        monkeypatch.delenv(f"POSTROOM_{name.upper()}", raising=False)


def test_without_settings_a_local_broker_and_a_file_are_used() -> None:
    settings = read_settings(RuntimeSettings)

    assert settings.amqp_url.get_secret_value() == DEFAULT_AMQP_URL
    assert settings.service_database_url("email") == f"sqlite+aiosqlite:///{Path('var').absolute() / 'email'}.sqlite3"
    assert (settings.health_host, settings.health_port) == ("127.0.0.1", 8080)
    assert settings.drain_seconds < 30


def test_a_given_database_is_every_service_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "postgresql+asyncpg://u:p@db/x")

    assert read_settings(RuntimeSettings).service_database_url("email") == "postgresql+asyncpg://u:p@db/x"


@pytest.mark.parametrize(
    ("amqp", "management", "expected"),
    [
        ("amqp://127.0.0.1/", None, ("http://127.0.0.1:15672", "guest", "guest")),
        ("amqp://a%40b:s%2Fx@broker:5673/v", None, ("http://broker:15672", "a@b", "s/x")),
        ("amqp://u:p@broker/", "https://m:q@console.example/rabbit/", ("https://console.example/rabbit", "m", "q")),
        ("amqp://u:p@broker/", "http://console:8080", ("http://console:8080", "u", "p")),
    ],
)
def test_the_management_api_is_beside_the_broker_or_where_it_was_said(
    amqp: str, management: str | None, expected: tuple[str, str, str]
) -> None:
    settings = RuntimeSettings.model_validate({"amqp_url": amqp, "management_url": management})

    assert settings.broker_management() == expected


@pytest.mark.parametrize(
    ("url", "virtual_host"),
    [
        ("amqp://broker", "/"),
        ("amqp://broker/", "/"),
        ("amqp://broker/shop", "shop"),
        ("amqp://broker/%2Fshop%20a", "/shop a"),
    ],
)
def test_the_url_s_path_is_the_virtual_host(url: str, virtual_host: str) -> None:
    assert RuntimeSettings.model_validate({"amqp_url": url}).virtual_host() == virtual_host


def test_a_password_is_in_no_repr_and_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_AMQP_URL", "amqp://u:canary-4711@broker/")
    monkeypatch.setenv("POSTROOM_DATABASE_URL", "postgresql+asyncpg://u:canary-4711@db/x")
    assert "canary" not in repr(read_settings(RuntimeSettings))

    monkeypatch.setenv("POSTROOM_HEALTH_PORT", "canary")
    with pytest.raises(ConfigurationError, match="POSTROOM_HEALTH_PORT") as failure:
        read_settings(RuntimeSettings)
    assert "canary" not in str(failure.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTROOM_HEALTH_PORT", "70000"),
        ("POSTROOM_DRAIN_SECONDS", "0"),
        ("POSTROOM_LOG_FORMAT", "xml"),
        ("POSTROOM_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=name):
        read_settings(RuntimeSettings)

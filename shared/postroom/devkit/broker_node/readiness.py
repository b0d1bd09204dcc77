"""Checks whether a broker answers."""

import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from postroom.devkit.broker_node.errors import ServerNotStarted
from postroom.patience import patience
from postroom.tls import system_authorities

START_WITHIN = timedelta(minutes=3)  # some 8 s on two cores that have time
LOOK_EVERY_SECONDS = 0.1
LOG_LINES = 12


def wait_until_ready(
    amqp_url: str, management_url: str, *, is_running: Callable[[], bool], end_of_log: Callable[[], str]
) -> str:
    """Wait until the node takes AMQP connections and its management API answers; returns RabbitMQ's version.

    Raises ServerNotStarted with the end of its log when the node is gone or takes too long.
    """
    limit = patience(START_WITHIN).total_seconds()
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if not is_running():
            raise ServerNotStarted(f"RabbitMQ ended while it was starting. {end_of_log()}")
        version = management_version(management_url, credentials(amqp_url))
        if version is not None and accepts_connections(*host_and_port(amqp_url)):
            return version
        time.sleep(LOOK_EVERY_SECONDS)
    raise ServerNotStarted(f"RabbitMQ did not answer within {limit:g} s. {end_of_log()}")


def management_version(management_url: str, user_and_password: tuple[str, str]) -> str | None:
    """RabbitMQ's version by the management API, or None when it does not answer."""
    try:
        # Proxies of the environment are for other hosts than the broker's.
        overview = httpx.get(
            f"{management_url}/api/overview",
            auth=user_and_password,
            timeout=5,
            verify=system_authorities(),
            trust_env=False,
        )
        return str(overview.json()["rabbitmq_version"]) if overview.is_success else None
    except (httpx.HTTPError, ValueError, KeyError):
        return None


def accepts_connections(host: str, port: int) -> bool:
    """Whether a server accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


def last_lines(log: Path) -> str:
    """The end of a log, to be part of an error message."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return "\n  ".join([f"The end of {log}:", *(lines[-LOG_LINES:] or ["(empty)"])])


def host_and_port(amqp_url: str) -> tuple[str, int]:
    """Where an AMQP URL points to."""
    parts = urlsplit(amqp_url)
    return parts.hostname or "127.0.0.1", parts.port or (5671 if parts.scheme == "amqps" else 5672)


def credentials(amqp_url: str) -> tuple[str, str]:
    """User and password of an AMQP URL."""
    parts = urlsplit(amqp_url)
    return unquote(parts.username or "guest"), unquote(parts.password or "guest")

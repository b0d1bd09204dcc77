"""EMAIL_SMTP_URL: which mail servers, in which order, and how to connect to them."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pydantic import SecretStr

from postroom.wire.errors import ConfigurationError

Tls = Literal["none", "starttls", "implicit"]
_SHAPE = "use smtp://user:password@host:587?tls=starttls or smtps://user:password@host"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """One mail server. `token` names the OAuth2 credential with which `user` logs in, instead of a password."""

    host: str
    port: int
    tls: Tls = "none"
    user: str | None = None
    password: SecretStr = SecretStr("")
    token: str | None = None

    @property
    def label(self) -> str:
        """How errors and logs call it."""
        return f"{self.host}:{self.port}"


def parse_servers(urls: str) -> tuple[SmtpServer, ...]:
    """The servers of a comma-separated list. Raises ConfigurationError, without any password in its text."""
    # A comma that begins no URL belongs to a password.
    return tuple(_parse(url.strip()) for url in re.split(r",(?=\s*smtps?://)", urls))


def _parse(url: str) -> SmtpServer:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"EMAIL_SMTP_URL: not a URL; {_SHAPE}") from None
    if parts.scheme not in ("smtp", "smtps") or not host:
        raise ConfigurationError(f"EMAIL_SMTP_URL: a scheme or host is missing; {_SHAPE}")
    options = parse_qs(parts.query)
    token = options.pop("token", [None])[-1]
    tls = _tls(parts, host, options)
    if token and (not parts.username or parts.password):
        raise ConfigurationError("EMAIL_SMTP_URL: token=… wants a user before the host, and no password")
    default_port = {"none": 25, "starttls": 587, "implicit": 465}[tls]
    return SmtpServer(
        host=host,
        port=port or default_port,
        tls=tls,
        user=unquote(parts.username) if parts.username else None,
        password=SecretStr(unquote(parts.password or "")),
        token=token,
    )


def _tls(parts: SplitResult, host: str, options: dict[str, list[str]]) -> Tls:
    mode = options.pop("tls", [None])[-1]
    if options:
        raise ConfigurationError(
            f"EMAIL_SMTP_URL: unknown option {min(options)!r}; there is tls=starttls, tls=none, token=…"
        )
    if parts.scheme == "smtps":
        return "implicit"
    if mode not in (None, "none", "starttls"):
        raise ConfigurationError("EMAIL_SMTP_URL: tls is starttls or none; TLS from the first byte is smtps://")
    if mode is None and parts.username and not _is_loopback(host):
        raise ConfigurationError(
            f"EMAIL_SMTP_URL: the password would travel in clear text to {host}; add ?tls=starttls or use smtps://"
            " (tls=none if you mean it)"
        )
    return "starttls" if mode == "starttls" else "none"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

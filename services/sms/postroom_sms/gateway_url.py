"""One entry of SMS_GATEWAY_URL, taken apart: `twilio://SID:TOKEN@/?from=+15550100`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from postroom.privacy.redaction import HIDDEN
from postroom.wire.errors import ConfigurationError

API_BASE = "api_base"


@dataclass(frozen=True, slots=True)
class GatewayUrl:
    """A gateway and how it is reached. What is percent-encoded in the URL is decoded here, but for the path.

    Attributes:
        scheme: `twilio`, `sns`, `smpp`, `smpps`, `http`, `https`, `console`; lower case.
        host: empty where the URL has none.
        query: its options, each at most once; a plus sign stays one.
    """

    scheme: str
    user: str | None = None
    password: SecretStr = SecretStr("")
    host: str = ""
    port: int | None = None
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)

    def base_url(self, default: str) -> str:
        """The root of the provider's API without a slash at its end: `api_base=` where given, else `default`."""
        return self.query.get(API_BASE, default).rstrip("/")

    def check_options(self, *known: str) -> None:
        """Raises ConfigurationError when the URL has an option that is not among `known`."""
        if unknown := sorted(self.query.keys() - set(known)):
            raise ConfigurationError(
                f"SMS_GATEWAY_URL: {self.scheme}:// has no option {unknown[0]!r}; there is {', '.join(known) or 'none'}"
            )

    def __str__(self) -> str:
        """The URL as it may be logged: no password, and no options, which may hold secrets."""
        login = f"{self.user}:{HIDDEN}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{login}{self.host}{port}{self.path}"


def parse_gateways(urls: str) -> tuple[GatewayUrl, ...]:
    """The gateways of a comma-separated list, in order. Raises ConfigurationError, without any password in its text."""
    # A comma that begins no URL belongs to a password or an option.
    return tuple(_parse(url.strip()) for url in re.split(r",(?=\s*[a-z][a-z0-9+.-]*://)", urls.strip()))


def _parse(url: str) -> GatewayUrl:
    try:
        parts = urlsplit(url)
        port = parts.port
        # A plus sign is one: `from=+15550100` is written more often than `from=%2B15550100`.
        options = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ConfigurationError(f"SMS_GATEWAY_URL: not a URL; {_SHAPE}") from None
    if not parts.scheme or "://" not in url:
        raise ConfigurationError(f"SMS_GATEWAY_URL: a scheme is missing; {_SHAPE}")
    return GatewayUrl(
        scheme=parts.scheme,
        user=unquote(parts.username) if parts.username else None,
        password=SecretStr(unquote(parts.password or "")),
        host=parts.hostname or "",
        port=port,
        path=parts.path,
        query=_once(options),
    )


def _once(options: list[tuple[str, str]]) -> Mapping[str, str]:
    query: dict[str, str] = {}
    for name, value in options:
        if name in query:
            raise ConfigurationError(f"SMS_GATEWAY_URL: option {name!r} is given twice")
        query[name] = value
    return query


_SHAPE = (
    "use twilio://SID:TOKEN@/?from=+15550100, sns://region, smpp://user:password@host:2775, https://… or console://"
)

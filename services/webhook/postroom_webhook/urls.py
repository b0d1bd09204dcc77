"""Parses the URL of a receiver, and refuses URLs that programs parse differently.

Programs disagree about `http://0177.0.0.1`, `http://2130706433` and `http://a@b`: where they do, a check and a
connection may mean different hosts. Such URLs are refused.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import httpx

from postroom_webhook.errors import InvalidUrl

LONGEST_URL = 2000  # characters
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")  # as a last label, it makes a host an IPv4 address in some notation
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """Where to call. `host` is a name in ASCII without a trailing dot, or an address without brackets."""

    url: httpx.URL
    host: str
    port: int

    @property
    def place(self) -> str:
        """Host and port: `api.example.com:443`. For logs and errors: a path may hold a secret."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a secret header may be sent to."""
        return self.url.scheme, self.host, self.port


def parse_target(url: str, field: str = "url") -> HttpTarget:
    """Read `url`. Raises InvalidUrl naming `field`, without repeating the URL."""
    if len(url) > LONGEST_URL or _UNSAFE.search(url):
        raise InvalidUrl(f"{field}: at most {LONGEST_URL} characters, and no spaces, backslashes or line breaks")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise InvalidUrl(f"{field}: this is no URL") from None
    if parsed.scheme not in _PORTS or not parsed.host:
        raise InvalidUrl(f"{field}: use http:// or https:// and a host")
    if "@" in re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]:
        raise InvalidUrl(f"{field}: a user or password in a URL is not taken; use a header")
    host = _checked_host(parsed.raw_host.decode("ascii").lower(), field)
    port = parsed.port if parsed.port is not None else _PORTS[parsed.scheme]
    if not 0 < port < 65536:
        raise InvalidUrl(f"{field}: there is no port {port}")
    return HttpTarget(parsed.copy_with(host=host, fragment=None), host, port)


def _checked_host(host: str, field: str) -> str:
    if ":" in host or host.startswith("["):
        return _ipv6(host.strip("[]"), field)
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidUrl(f"{field}: the host is neither a name nor an address")
    if _NUMERIC.fullmatch(labels[-1]):
        return _ipv4(host, field)
    return host


def _ipv4(host: str, field: str) -> str:
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        raise InvalidUrl(f"{field}: write an address as four decimal numbers, 192.0.2.1") from None


def _ipv6(host: str, field: str) -> str:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        raise InvalidUrl(f"{field}: the host is no IPv6 address") from None
    if address.scope_id is not None:
        raise InvalidUrl(f"{field}: an address with a zone leads to this machine's own network")
    return str(address)

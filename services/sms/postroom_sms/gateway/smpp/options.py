"""What `smpp://user:password@host:2775?…` asks for."""

import asyncio
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address

from aiosmpplib.state import NPI, TON, PhoneNumber
from pydantic import SecretStr

from postroom.tls import trusted_authorities
from postroom.wire.errors import ConfigurationError
from postroom_sms.gateway.smpp.receipts import MessageIds
from postroom_sms.gateway_url import GatewayUrl

OPTIONS = (
    *("from", "tls", "ca_file", "system_type", "source_ton", "source_npi"),
    *("enquire_link", "window", "message_ids", "opted_out"),
)
LONGEST_USER, LONGEST_PASSWORD = 15, 8  # SMPP 3.4, 4.1.5
_SETTING = "SMS_GATEWAY_URL: smpp://"
_CA_FILE = f"{_SETTING} ca_file"


@dataclass(frozen=True, slots=True)
class SmppOptions:
    """An SMSC and how it is spoken to.

    Attributes:
        tls: None sends everything, the password too, in clear text.
        sender: where a text names none.
        source_ton, source_npi: type and numbering plan of every sender, where ours are not what the SMSC wants.
        enquire_after: silence after which the SMSC is asked whether it is there.
        window: texts under way at once.
        opted_out: status codes by which the SMSC says that the recipient wants no texts.
    """

    host: str
    port: int
    user: str
    password: SecretStr
    tls: ssl.SSLContext | None = None
    system_type: str = ""
    sender: str | None = None
    source_ton: int | None = None
    source_npi: int | None = None
    enquire_after: timedelta = timedelta(seconds=30)
    window: int = 10
    message_ids: MessageIds = MessageIds.SAME
    opted_out: frozenset[int] = field(default_factory=frozenset)

    @property
    def label(self) -> str:
        """How errors and logs call it."""
        return f"{self.host}:{self.port}"

    @property
    def sends_password_openly(self) -> bool:
        """Whether the password travels in clear text over a network."""
        return self.tls is None and not _is_loopback(self.host)

    def source(self, sender: str | None) -> PhoneNumber:
        """The sender's address; an empty one lets the SMSC choose."""
        sender = sender or self.sender or ""
        if not sender:
            ton, npi = TON.UNKNOWN, NPI.UNKNOWN
        elif sender.startswith("+"):
            ton, npi = TON.INTERNATIONAL, NPI.ISDN
        elif sender.isdigit():
            ton, npi = TON.NETWORK_SPECIFIC, NPI.UNKNOWN  # a short code
        else:
            ton, npi = TON.ALPHANUMERIC, NPI.UNKNOWN
        ton = ton if self.source_ton is None else TON(self.source_ton)
        npi = npi if self.source_npi is None else NPI(self.source_npi)
        return PhoneNumber(sender.lstrip("+"), ton, npi)


async def read_options(url: GatewayUrl) -> SmppOptions:
    """Raises ConfigurationError."""
    url.check_options(*OPTIONS)
    password = url.password.get_secret_value()
    if not url.host or not url.user:
        raise ConfigurationError(f"{_SETTING} needs user and host: smpp://user:password@host:2775")
    if len(url.user) > LONGEST_USER or len(password) > LONGEST_PASSWORD or not (url.user + password).isascii():
        raise ConfigurationError(
            f"{_SETTING} user and password have at most {LONGEST_USER} and {LONGEST_PASSWORD} ASCII characters"
        )
    query = url.query
    is_tls = _is_tls(url)
    try:
        return SmppOptions(
            host=url.host,
            port=url.port or (3550 if is_tls else 2775),
            user=url.user,
            password=url.password,
            tls=await asyncio.to_thread(trusted_authorities, query.get("ca_file"), _CA_FILE) if is_tls else None,
            system_type=query.get("system_type", ""),
            sender=query.get("from"),
            source_ton=_member(TON, query.get("source_ton")),
            source_npi=_member(NPI, query.get("source_npi")),
            enquire_after=timedelta(seconds=_positive(float(query.get("enquire_link", "30")))),
            window=int(_positive(int(query.get("window", "10")))),
            message_ids=MessageIds(query.get("message_ids", "same")),
            opted_out=frozenset(int(code, 0) for code in query.get("opted_out", "").split(",") if code),
        )
    except ValueError as error:
        raise ConfigurationError(f"{_SETTING} an option cannot be read: {error}") from None


def _is_tls(url: GatewayUrl) -> bool:
    mode = url.query.get("tls", "implicit" if url.scheme == "smpps" else "none")
    if mode not in ("none", "implicit") or (url.scheme == "smpps" and mode == "none"):
        raise ConfigurationError(f"{_SETTING} tls= is none or implicit; smpps:// is always with TLS")
    return mode == "implicit"


def _member(kind: type[TON] | type[NPI], value: str | None) -> int | None:
    return None if value is None else int(kind(int(value)))


def _positive(number: float) -> float:
    if number <= 0:
        raise ValueError("enquire_link and window are above 0")
    return number


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

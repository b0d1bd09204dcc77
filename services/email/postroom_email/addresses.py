"""Parses mail addresses, and writes them for the envelope and for headers."""

import re
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from postroom.wire.messages import SendEmail
from postroom_email.errors import InvalidAddress

# Reserved names that are refused by the validator but are what private mail systems and mail catchers use.
_PRIVATE_DOMAIN = re.compile(
    r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*(localhost|local|localdomain|internal|lan|test|invalid|example|arpa)",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address. The domain is ASCII (IDNA); the local part may not be, and then needs SMTPUTF8."""

    local: str
    domain: str
    name: str = ""

    @property
    def mailbox(self) -> str:
        """`ada@example.com`, as it is in the envelope and in our tables."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server with SMTPUTF8 can take it."""
        return not self.local.isascii()


@dataclass(frozen=True, slots=True)
class Recipients:
    """The recipients of a mail. `mailboxes` has each once, in order."""

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """The envelope's recipients: bcc is here and nowhere else. Written in two cases is one mailbox."""
        once: dict[str, str] = {}
        for address in (*self.to, *self.cc, *self.bcc):
            once.setdefault(address.mailbox.lower(), address.mailbox)
        return tuple(once.values())


def parse_recipients(job: SendEmail) -> Recipients:
    """The checked recipients of a job. Raises InvalidAddress naming the field."""
    return Recipients(to=_parse_all("to", job.to), cc=_parse_all("cc", job.cc), bcc=_parse_all("bcc", job.bcc))


def parse_address(field: str, value: str) -> Address:
    """`ada@example.com` or `Ada <ada@example.com>`. Raises InvalidAddress naming `field`."""
    if _CONTROL.search(value):
        raise InvalidAddress(f"{field}: line breaks and control characters are not allowed in an address")
    name, mailbox = _split(value.strip())
    local, _, domain = mailbox.rpartition("@")
    is_private = _PRIVATE_DOMAIN.fullmatch(domain) is not None
    try:
        checked = validate_email(
            f"{local}@example.com" if is_private else mailbox,
            check_deliverability=False,
            globally_deliverable=False,
            allow_quoted_local=True,
        )
    except EmailNotValidError as error:
        raise InvalidAddress(f"{field}: not a mail address ({_reason(error)})") from None
    return Address(checked.local_part, domain.lower() if is_private else checked.ascii_domain, name)


def _parse_all(field: str, values: list[str]) -> tuple[Address, ...]:
    many = len(values) > 1
    return tuple(parse_address(f"{field}.{i}" if many else field, value) for i, value in enumerate(values))


def _split(value: str) -> tuple[str, str]:
    if not value.endswith(">") or "<" not in value:
        return "", value
    name, _, mailbox = value[:-1].rpartition("<")
    name = name.strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, mailbox.strip()


def _reason(error: EmailNotValidError) -> str:
    return str(error).rstrip(".")

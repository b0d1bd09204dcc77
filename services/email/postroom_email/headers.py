"""Header lines, written by ourselves: checked for injection, folded, encoded only where they must be.

The standard library's folding (3.11.7) turns a long URL into encoded words and a comma between two addresses
into part of a name; a mail with many recipients would arrive with a broken To.
"""

import re
from collections.abc import Iterable, Mapping
from email.header import Header

from postroom_email.addresses import Address
from postroom_email.errors import InvalidHeader

LONGEST_LINE = 998  # RFC 5322, 2.1.1
USUAL_LINE = 78

_NAME = re.compile(r"[!-9;-~]{1,76}")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # all control characters but the tab
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_OURS = frozenset(
    (
        *("from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version"),
        *("return-path", "received", "delivered-to", "authentication-results", "dkim-signature"),
        *("list-unsubscribe", "list-unsubscribe-post"),
    )
)
_OUR_FAMILIES = ("content-", "resent-", "arc-")


def text_header(name: str, value: str, field: str | None = None) -> bytes:
    """One header with free text. `field` is how a publisher calls it, for the error."""
    check_value(field or name.lower(), value)
    if not value.isascii():
        value = Header(value, "utf-8", maxlinelen=USUAL_LINE, header_name=name).encode(linesep="\r\n")
        return f"{name}: {value}\r\n".encode()
    return _folded(name, value.split(" "), " ")


def address_header(name: str, addresses: Iterable[Address]) -> bytes:
    """A header with a list of addresses."""
    return _folded(name, [_formatted(address) for address in addresses], ", ")


def custom_headers(headers: Mapping[str, str]) -> bytes:
    """A publisher's own headers. Raises InvalidHeader for one that only we write, or that is no valid header."""
    for name in headers:
        if not _NAME.fullmatch(name):
            raise InvalidHeader(f"headers: {name[:80]!r} is not a header name")
        if name.lower() in _OURS or name.lower().startswith(_OUR_FAMILIES):
            raise InvalidHeader(f"headers.{name}: this header is written by the service; leave it out")
    return b"".join(text_header(name, value, f"headers.{name}") for name, value in headers.items())


def check_value(field: str, value: str) -> None:
    """Refuse what would end the header and begin another: CR, LF, NUL and other control characters."""
    if _FORBIDDEN.search(value):
        raise InvalidHeader(f"{field}: line breaks and control characters are not allowed in a mail header")


def _formatted(address: Address) -> str:
    if not address.name:
        return address.mailbox
    check_value("name", address.name)
    if not address.name.isascii():
        name = Header(address.name, "utf-8", maxlinelen=USUAL_LINE).encode(linesep="\r\n")
    elif _ATOMS.fullmatch(address.name):
        name = address.name
    else:
        name = '"' + re.sub(r'(["\\])', r"\\\1", address.name) + '"'
    return f"{name} <{address.mailbox}>"


def _folded(name: str, parts: list[str], separator: str) -> bytes:
    lines, current = [], f"{name}:"
    for number, part in enumerate(parts):
        more = part + (separator.rstrip() if number < len(parts) - 1 else "")
        # A line of blanks only would end the headers for some readers: never fold before an empty part.
        if len(current) + 1 + len(more) > USUAL_LINE and current.strip() != f"{name}:" and more:
            lines.append(current)
            current = ""
        current += " " + more
    lines.append(current)
    if max(len(line.encode()) for line in lines) > LONGEST_LINE:
        raise InvalidHeader(f"{name.lower()}: a word in it is longer than {LONGEST_LINE} bytes")
    return "\r\n".join(lines).encode() + b"\r\n"

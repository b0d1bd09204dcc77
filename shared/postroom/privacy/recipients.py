"""The recipients of a message: masked for people to read, and as digests to search by.

A digest does not show its address, but who tries all phone numbers finds it: digests are personal data too.
"""

import hashlib
import re
from typing import Any

from postroom.privacy.masking import mask_address, mask_phone
from postroom.wire.messages import Message, Recipient

MOST_RECIPIENTS = 300
"""Of one message: 100 each in `to`, `cc` and `bcc` of a mail."""

_LONGEST = 320


def recipients_of(message: Message) -> list[Recipient]:
    """Each recipient once, in the order of the message."""
    found: dict[str, Recipient] = {}
    for address in _addresses(message):
        digest = digest_of(address)
        found.setdefault(digest, Recipient(masked=mask_recipient(address)[:_LONGEST], digest=digest))
    return list(found.values())[:MOST_RECIPIENTS]


def mask_recipient(address: str) -> str:
    """`Ada <ada@example.com>` as `a•••@example.com`, `+49 151 12345123` as `+49•••••123`."""
    return mask_address(_bare(address)) if "@" in address else mask_phone(address)


def digest_of(address: str) -> str:
    """The same for every way to write one address: `Ada <Ada@example.com>`, `+49 151 1234567`, `0049-1511234567`.

    A phone number without its country is a number of its own: nothing here knows which country is meant.
    """
    bare = _bare(address)
    normal = bare.lower() if "@" in bare else _digits(bare)
    return hashlib.sha256(normal.encode(errors="replace")).hexdigest()[:32]


def _addresses(message: Message) -> list[str]:
    values: list[Any] = []
    for name in message.recipient_fields:
        value = getattr(message, name, None)
        values += value if isinstance(value, list | tuple) else [value]
    return [value for value in values if isinstance(value, str) and value.strip()]


def _bare(address: str) -> str:
    _name, has_angle, rest = address.rpartition("<")
    return (rest.rpartition(">")[0] if has_angle else address).strip()


def _digits(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    if number.lstrip().startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits

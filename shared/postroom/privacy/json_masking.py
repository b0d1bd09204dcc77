"""Masks JSON for everyone who is not its recipient: the history keeps it so, alerting and `dead show` show it so.

Hidden are what fields with secret names hold, codes and account numbers, and what follows the path of a URL; addresses
and phone numbers are masked, also in names. Masking twice changes nothing more.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from postroom import wire
from postroom.privacy.masking import mask_phone, mask_text
from postroom.privacy.redaction import HIDDEN, hide_queries, names_a_secret, redact
from postroom.wire.dead_letter import text_of

CUT = "…"
"""Stands for a value that was too large."""

_MAX_DEPTH = 20
_SMALLEST_LONG_NUMBER = 10**6  # may be a phone or an account

_PHONE_NAME = re.compile(r"phone|mobile|msisdn", re.IGNORECASE)
_SECRET_IN_TEXT = re.compile(
    r"(?P<name>(?:password|passwd|secret|token|api[_-]?key|otp|code|authorization)[\"']?\s{0,9}[:=]\s{0,9})"
    r"(?:\"[^\"]*\"?|'[^']*'?|[^\s,;&}]+)",
    re.IGNORECASE,
)
# A one-time code or an account number in running text; not the year of a date, nor the start of a UUID.
_DIGITS = re.compile(r"(?<![\w.-])\d{4,}(?!\d|-\d\d|[\w.]\w|(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MaskingLimits:
    """How much is left of JSON. The rules of what is hidden are the same everywhere.

    Attributes:
        json_bytes: of a whole object, as compact UTF-8.
        string_characters: of one string.
        items: of one list or object.
    """

    json_bytes: int
    string_characters: int
    items: int


def masked_fields(fields: dict[str, Any], limits: MaskingLimits) -> dict[str, Any]:
    """`fields` masked, and of at most `json_bytes`: the largest fields are left out first."""
    return fitted(_masked_object(fields, limits, 0), limits.json_bytes)


def masked_value(value: Any, limits: MaskingLimits, depth: int = 0) -> Any:
    """Any value of JSON or of headers, masked; `depth` levels are round it already."""
    match value:
        case dict() | list() if depth >= _MAX_DEPTH:
            return CUT
        case dict():
            return _masked_object(value, limits, depth)
        case list():
            rest = [f"{CUT} {len(value) - limits.items} more"] if len(value) > limits.items else []
            return [masked_value(item, limits, depth + 1) for item in value[: limits.items]] + rest
        case str():
            return masked_string(value, limits.string_characters)
        case bytes() | bytearray() | Decimal():  # in headers
            return masked_string(text_of(value, wire.MAX_BODY_BYTES), limits.string_characters)
    is_long_number = isinstance(value, int | float) and abs(value) >= _SMALLEST_LONG_NUMBER
    return HIDDEN if is_long_number else value


def masked_text(text: str) -> str:
    """Running text, masked and not cut."""
    text = _SECRET_IN_TEXT.sub(rf"\g<name>{HIDDEN}", hide_queries(redact(text)))
    return _DIGITS.sub(HIDDEN, mask_text(text))


def masked_string(value: str, longest: int, mask: Callable[[str], str] = masked_text) -> str:
    """`value` through `mask`, and cut at `longest` characters with its length said."""
    # Cut after masking, for half an address is recognised by no mask; but not all of 256 KiB is masked for that.
    head = value[: 2 * longest]
    if len(head) < len(value):
        head = head.rpartition(" ")[0] or head  # no half of an address at the end
    text = mask(head)
    if len(text) <= longest and len(head) == len(value):
        return text
    return f"{text[:longest]}{CUT} ({len(value)} characters)"


def fitted(fields: dict[str, Any], most_bytes: int) -> dict[str, Any]:
    """`fields` themselves if they are no larger as JSON, else CUT for the largest; {} if names alone are larger."""
    if len(orjson.dumps(fields)) <= most_bytes:
        return fields
    sizes = {name: len(orjson.dumps({name: value})) for name, value in fields.items()}
    cut = dict.fromkeys(fields, CUT)
    room = most_bytes - len(orjson.dumps(cut))
    for name in sorted(sizes, key=sizes.__getitem__):
        room -= sizes[name]
        if room < 0:
            break
        del cut[name]
    short = fields | cut
    return short if len(orjson.dumps(short)) <= most_bytes else {}


def _masked_object(fields: dict[str, Any], limits: MaskingLimits, depth: int) -> dict[str, Any]:
    kept = {
        mask_text(name): _masked_under(name, value, limits, depth + 1)
        for name, value in list(fields.items())[: limits.items]
    }
    return kept | ({CUT: f"{len(fields) - limits.items} more"} if len(fields) > limits.items else {})


def _masked_under(name: str, value: Any, limits: MaskingLimits, depth: int) -> Any:
    if value is None:
        return None
    if names_a_secret(name):
        return HIDDEN
    if isinstance(value, str | int | float) and not isinstance(value, bool) and _PHONE_NAME.search(name):
        # Without a country or a leading zero it may be anything: three digits of a short number are too many.
        return mask_phone(value) if isinstance(value, str) and value.lstrip().startswith(("+", "0")) else HIDDEN
    return masked_value(value, limits, depth)

"""A message's content for people who are not its recipient: addresses, numbers and secrets are masked."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from postroom import wire
from postroom.privacy.masking import mask_text
from postroom.privacy.redaction import HIDDEN, hide_queries, names_a_secret, redact
from postroom.wire.dead_letter import text_of

LONGEST_PAYLOAD = 4096
"""Characters; enough to recognise a message, too few to fill a database."""

_LONGEST_STRING = 400
_MAX_DEPTH = 20
_MAX_ITEMS = 50  # of one list or object

_SECRET_IN_TEXT = re.compile(
    r"(?P<name>(?:password|passwd|secret|token|api[_-]?key|otp|code|authorization)[\"']?\s{0,9}[:=]\s{0,9})"
    r"(?:\"[^\"]*\"?|'[^']*'?|[^\s,;&}]+)",
    re.IGNORECASE,
)
# A one-time code or an account number in running text; not the year of a date.
_DIGITS = re.compile(r"(?<![\w.-])\d{4,}(?!\d|-\d\d|[\w.]\w)")


def masked_payload(body: bytes, limit: int = LONGEST_PAYLOAD) -> str:
    """The body as text of at most `limit` characters, whatever it is: JSON, broken JSON, bytes."""
    try:
        text = json.dumps(_masked(orjson.loads(body), 0), ensure_ascii=False)
    except ValueError:
        # Cut after masking: a cut could leave half an address, which no mask recognises.
        text = _masked_text(text_of(body, 4 * limit))
    text = text_of(text, len(text))
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(body)} bytes in all)"


def masked_error(text: str) -> str:
    """An error's text with addresses, numbers and secrets masked, in one line."""
    return mask_text(redact(hide_queries(" ".join(text.split()))))


def masked_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Headers with the same masked, also under harmless names: any program may have written them."""
    return {mask_text(name): HIDDEN if names_a_secret(name) else _masked(value, 0) for name, value in headers.items()}


def _masked(value: Any, depth: int) -> Any:
    match value:
        case dict() | list() if depth >= _MAX_DEPTH:
            return "…"
        case dict():
            return _masked_object(value, depth)
        case list():
            rest = [f"… {len(value) - _MAX_ITEMS} more"] if len(value) > _MAX_ITEMS else []
            return [_masked(item, depth + 1) for item in value[:_MAX_ITEMS]] + rest
        case str():
            return _masked_string(value)
        case bytes() | bytearray() | Decimal():  # in headers
            return _masked_string(text_of(value, wire.MAX_BODY_BYTES))
    is_long_number = isinstance(value, int | float) and abs(value) >= 10**6  # of a phone or an account
    return HIDDEN if is_long_number else value


def _masked_object(fields: dict[str, Any], depth: int) -> dict[str, Any]:
    kept = {
        mask_text(name): HIDDEN if value is not None and names_a_secret(name) else _masked(value, depth + 1)
        for name, value in list(fields.items())[:_MAX_ITEMS]
    }
    return kept | ({"…": f"{len(fields) - _MAX_ITEMS} more"} if len(fields) > _MAX_ITEMS else {})


def _masked_string(value: str) -> str:
    text = _masked_text(value[: 4 * _LONGEST_STRING])
    if len(text) <= _LONGEST_STRING and len(value) <= 4 * _LONGEST_STRING:
        return text
    return f"{text[:_LONGEST_STRING]}… ({len(value)} characters)"


def _masked_text(text: str) -> str:
    text = _SECRET_IN_TEXT.sub(rf"\g<name>{HIDDEN}", hide_queries(redact(text)))
    return _DIGITS.sub(HIDDEN, mask_text(text))

"""A message as people see it who are not its recipient: its body, its headers, and the error it died of."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from postroom.privacy.json_masking import CUT, MaskingLimits, fitted, masked_string, masked_text, masked_value
from postroom.privacy.masking import mask_text
from postroom.privacy.redaction import HIDDEN, hide_queries, names_a_secret, redact
from postroom.wire.dead_letter import text_of

LONGEST_PAYLOAD = 4096
"""Characters; enough to recognise a message, too few to fill a database."""

_LONGEST_ERROR = 2000
_SHOWN = MaskingLimits(json_bytes=LONGEST_PAYLOAD, string_characters=400, items=50)


def masked_payload(body: bytes) -> str:
    """The body as text of about LONGEST_PAYLOAD characters, whatever it is: JSON, broken JSON, bytes.

    What is cut ends with the size of the whole. Of an object the largest fields are left out first.
    """
    text, is_whole = _masked(body)
    text = text_of(text, len(text))
    if len(text) <= LONGEST_PAYLOAD and is_whole:
        return text
    return f"{text[:LONGEST_PAYLOAD]}{CUT} ({len(body)} bytes in all)"


def masked_error(text: str) -> str:
    """An error's text with addresses, phone numbers and secrets masked, in one line, cut where it is long.

    Other numbers stay: the codes of replies, ports and sizes are what an error is understood by.
    """
    return masked_string(" ".join(text.split()), _LONGEST_ERROR, lambda words: mask_text(redact(hide_queries(words))))


def masked_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Headers with the same masked, also under harmless names: any program may have written them."""
    return {
        mask_text(name): HIDDEN if names_a_secret(name) else masked_value(value, _SHOWN)
        for name, value in headers.items()
    }


def _masked(body: bytes) -> tuple[str, bool]:
    try:
        masked = masked_value(orjson.loads(body), _SHOWN)
    except ValueError:
        # Cut after masking: a cut could leave half an address, which no mask recognises.
        head = text_of(body, 4 * LONGEST_PAYLOAD)
        return masked_text(head), len(head) == len(text_of(body, len(body)))
    shown = fitted(masked, _SHOWN.json_bytes) if isinstance(masked, dict) else masked
    return json.dumps(shown, ensure_ascii=False), shown is masked

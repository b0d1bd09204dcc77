"""Receipts from the provider behind the generic HTTP gateway, as the settings describe them."""

import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from postroom.privacy.masking import mask_text
from postroom_sms.gateway import Receipt
from postroom_sms.receipts.refusals import Unreadable, Untrusted
from postroom_sms.receipts.settings import HttpReceipts

STANDARD_PREFIX = "whsec_"
LONGEST_REASON = 200


def check_signature(body: bytes, headers: Mapping[str, str], api: HttpReceipts) -> None:
    """Raises Untrusted unless one of the secrets signed the body."""
    # All are tried: how long it takes says nothing about which of them was right.
    if not sum(_is_signed(body, headers, secret, api) for secret in api.secrets):
        raise Untrusted("no signature by any of the secrets, or one that is too old")


def _is_signed(body: bytes, headers: Mapping[str, str], secret: SecretStr, api: HttpReceipts) -> bool:
    key = secret.get_secret_value()
    if key.startswith(STANDARD_PREFIX):
        return _is_signed_by_the_standard(body, headers, key)
    given = headers.get(api.signature_header, "").strip().removeprefix("sha256=").lower()
    return hmac.compare_digest(given.encode(), hmac.digest(key.encode(), body, "sha256").hex().encode())


def _is_signed_by_the_standard(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: a signature that is no base64, a body that is no text
        return False
    return True


def read_receipt(body: bytes, content_type: str, api: HttpReceipts) -> Receipt:
    """Raises Unreadable."""
    fields = _read_form(body) if content_type == "application/x-www-form-urlencoded" else _read_json(body)
    provider_id, status = _look_up(fields, api.id_field), _look_up(fields, api.status_field)
    if not provider_id or not status:
        raise Unreadable(f"{api.id_field} or {api.status_field} is missing")
    reason = _look_up(fields, api.reason_field)
    said = f"{status}: {reason}" if reason else status
    return Receipt("http", provider_id, api.progress(status), mask_text(said)[:LONGEST_REASON])


def _read_form(body: bytes) -> dict[str, Any]:
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unreadable("no JSON object")
    return value


def _look_up(fields: Mapping[str, Any], path: str) -> str:
    value: Any = fields
    for name in [path] if path in fields else path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""

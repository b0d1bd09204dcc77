"""Twilio's status callbacks and their signature (https://www.twilio.com/docs/usage/security)."""

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from postroom_sms.gateway import DeliveryProgress, Receipt
from postroom_sms.receipts.refusals import Unreadable, Untrusted

DEFAULT_PORTS = {"https": 443, "http": 80}
_PROGRESS = {
    "delivered": DeliveryProgress.DELIVERED,
    "read": DeliveryProgress.DELIVERED,
    "undelivered": DeliveryProgress.UNDELIVERED,
    "failed": DeliveryProgress.UNDELIVERED,
    "canceled": DeliveryProgress.UNDELIVERED,
}


def check_signature(
    url: str, form: Mapping[str, Sequence[str]], signature: str | None, tokens: Sequence[SecretStr]
) -> None:
    """Raises Untrusted unless one of `tokens` signed the form for `url`, the address that Twilio called."""
    if not signature:
        raise Untrusted("X-Twilio-Signature is missing")
    given = signature.encode("utf-8", "surrogateescape")
    expected = [sign(place, form, token) for place in _spellings(url) for token in tokens]
    # All are compared: how long it takes says nothing about which of them was close.
    if not sum(hmac.compare_digest(given, one.encode()) for one in expected):
        raise Untrusted("X-Twilio-Signature fits neither the public URL nor any token")


def sign(url: str, form: Mapping[str, Sequence[str]], token: SecretStr) -> str:
    """The signature of a request: the URL, then each field's name and values, in the order of their names."""
    fields = "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    key = token.get_secret_value().encode()
    return base64.b64encode(hmac.digest(key, (url + fields).encode(), "sha1")).decode()


def _spellings(url: str) -> Iterator[str]:
    """The URL with its port and without: Twilio signs either."""
    yield url
    parts = urlsplit(url)
    host = parts.netloc.rsplit("@", 1)[-1]
    if parts.port is not None:
        yield urlunsplit(parts._replace(netloc=host.removesuffix(f":{parts.port}")))
    elif parts.scheme in DEFAULT_PORTS:
        yield urlunsplit(parts._replace(netloc=f"{host}:{DEFAULT_PORTS[parts.scheme]}"))


def read_receipt(form: Mapping[str, Sequence[str]]) -> Receipt:
    """Raises Unreadable."""
    sid = _first(form, "MessageSid") or _first(form, "SmsSid")
    status = _first(form, "MessageStatus") or _first(form, "SmsStatus")
    if not sid or not status:
        raise Unreadable("MessageSid or MessageStatus is missing")
    progress = _PROGRESS.get(status, DeliveryProgress.ACCEPTED)
    code = _first(form, "ErrorCode")
    reason = f"{status}, error {code}" if code else status
    return Receipt("twilio", sid, progress, reason if progress is DeliveryProgress.UNDELIVERED else None)


def _first(form: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(form.get(name, ())), "")

"""Amazon's signature under what SNS posts, versions 1 and 2.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from postroom_sms.receipts.refusals import Untrusted

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets a URL of Amazon's; raises OSError when that fails."""

OLDEST = timedelta(days=1)
"""SNS repeats a notification for an hour; an older one is somebody else's copy."""

MOST_CERTIFICATES = 16
_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d\.amazonaws\.com(\.cn)?")
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - theirs to choose
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def is_amazons(url: str) -> bool:
    """Whether `url` is one of SNS itself, over https."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.port in (None, 443) and bool(_HOST.fullmatch(parts.netloc))
    except ValueError:
        return False


class SnsVerifier:
    """Checks signatures with the certificates that they name, each fetched once."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: OrderedDict[str, RSAPublicKey] = OrderedDict()

    async def check(self, notice: Mapping[str, Any]) -> None:
        """Raises Untrusted; OSError when the certificate cannot be fetched at the moment."""
        algorithm = _HASHES.get(str(notice.get("SignatureVersion")))
        if algorithm is None:
            raise Untrusted("no SignatureVersion that there is")
        signed = _signed_text(notice)
        key = await self._key(str(notice.get("SigningCertURL")))
        try:
            signature = base64.b64decode(str(notice.get("Signature")), validate=True)
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        except (binascii.Error, InvalidSignature):
            raise Untrusted("the signature is wrong") from None
        _check_age(str(notice.get("Timestamp")))

    async def _key(self, url: str) -> RSAPublicKey:
        if not is_amazons(url) or not urlsplit(url).path.endswith(".pem"):
            raise Untrusted("SigningCertURL is not Amazon's")
        key = self._keys.get(url)
        if key is None:
            key = self._keys[url] = _read_key(await self._fetch(url))
            if len(self._keys) > MOST_CERTIFICATES:
                self._keys.popitem(last=False)
        return key


def _read_key(pem: bytes) -> RSAPublicKey:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise Untrusted("SigningCertURL leads to no certificate") from None
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Untrusted("the signing certificate is out of date")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise Untrusted("the signing certificate has no RSA key")
    return key


def _signed_text(notice: Mapping[str, Any]) -> bytes:
    names = _SIGNED.get(str(notice.get("Type")))
    if names is None:
        raise Untrusted("no Type that there is")
    return "".join(f"{name}\n{notice[name]}\n" for name in names if notice.get(name) is not None).encode()


def _check_age(timestamp: str) -> None:
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        raise Untrusted("Timestamp is none") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not -OLDEST <= datetime.now(UTC) - moment <= OLDEST:
        raise Untrusted("Timestamp is more than a day away: a copy of an old notification")

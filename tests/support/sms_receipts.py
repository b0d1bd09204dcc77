"""Receipts as providers post them: an Amazon of our own that signs, and a handler that keeps what it is given."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from postroom_sms.gateway import Receipt

TOPIC = "arn:aws:sns:eu-central-1:123456789012:sms"
AMAZON = "https://sns.eu-central-1.amazonaws.com"
CERTIFICATE_URL = f"{AMAZON}/SimpleNotificationService-1.pem"
_ORDER = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@dataclass
class RecordingReceiptHandler:
    """A ReceiptHandler. `error` is raised instead, while there is one."""

    receipts: list[Receipt] = field(default_factory=list)
    error: Exception | None = None

    async def take(self, receipt: Receipt) -> None:
        """See ReceiptHandler."""
        if self.error is not None:
            raise self.error
        self.receipts.append(receipt)


class SnsSigner:
    """Signs as SNS does, with a key of its own.

    Attributes:
        fetched: every URL that was asked for.
    """

    def __init__(self, days: tuple[int, int] = (-1, 1)) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .sign(self._key, hashes.SHA256())
        )
        self._pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.fetched: list[str] = []
        self.is_away = False

    async def fetch(self, url: str) -> bytes:
        """See Fetch."""
        self.fetched.append(url)
        if self.is_away:
            raise OSError("told to")
        return self._pem

    def unsigned(self, message: str) -> dict[str, Any]:
        """A notification."""
        return {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Message": message,
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SigningCertURL": CERTIFICATE_URL,
        }

    def signed(self, notice: Mapping[str, Any], *, version: str = "2") -> dict[str, Any]:
        """`notice` with its signature."""
        text = "".join(f"{name}\n{notice[name]}\n" for name in _ORDER if name in notice)
        algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), algorithm)
        return {**notice, "SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}

    def notification(self, message: str | Mapping[str, Any], *, version: str = "2") -> dict[str, Any]:
        """A signed notification."""
        words = message if isinstance(message, str) else json.dumps(message)
        return self.signed(self.unsigned(words), version=version)

    def subscription(self, topic: str = TOPIC, url: str = f"{AMAZON}/?Action=ConfirmSubscription") -> dict[str, Any]:
        """A signed request to confirm a subscription."""
        asked = {"Type": "SubscriptionConfirmation", "TopicArn": topic, "SubscribeURL": url, "Token": "t"}
        return self.signed({**self.unsigned("Visit the URL"), **asked})

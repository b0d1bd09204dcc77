"""Signs a call as Standard Webhooks 1.0 says, with secrets that settings know by name."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from standardwebhooks import Webhook

from postroom.wire.errors import ConfigurationError
from postroom_webhook.errors import UnknownSecret

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)  # as the specification recommends
_PLAIN_ID = re.compile(r"[\x21-\x7e]{1,255}")


class Secrets:
    """Signing secrets by name. Two of one name sign side by side, so that a receiver may change over.

    Args:
        text: `name=whsec_…`, comma-separated. Raises ConfigurationError, without showing a secret.
    """

    def __init__(self, text: str = "") -> None:
        self._signers: dict[str, list[Webhook]] = {}
        entries = filter(None, (entry.strip() for entry in text.split(",")))
        for position, entry in enumerate(entries, start=1):
            name, _, secret = entry.partition("=")
            self._signers.setdefault(name.strip(), []).append(_signer(name.strip(), secret.strip(), position))

    def headers(self, name: str | None, webhook_id: str, at: datetime, body: bytes) -> Mapping[str, str]:
        """The headers of a call made at `at` (UTC); without a `name` it is not signed. Raises UnknownSecret."""
        headers = {"webhook-id": webhook_id, "webhook-timestamp": str(int(at.timestamp()))}
        if name is not None:
            signatures = [signer.sign(webhook_id, at, body.decode()) for signer in self._of(name)]
            headers["webhook-signature"] = " ".join(signatures)
        return headers

    def check(self, name: str | None) -> None:
        """Raise UnknownSecret when there is none of that name."""
        if name is not None:
            self._of(name)

    def _of(self, name: str) -> list[Webhook]:
        if name not in self._signers:
            raise UnknownSecret(f"secret_name: WEBHOOK_SECRETS has no secret of the name {name[:100]!r}")
        return self._signers[name]


def webhook_id_of(job_id: str) -> str:
    """The job's id; its hash where it is not valid in a header."""
    return job_id if _PLAIN_ID.fullmatch(job_id) else hashlib.sha256(job_id.encode()).hexdigest()[:32]


def _signer(name: str, secret: str, position: int) -> Webhook:
    try:
        # The library would skip characters that are not base64, and sign with another key than the receiver's.
        encoded = secret.removeprefix(PREFIX)
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not name or not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        raise ConfigurationError(
            f"WEBHOOK_SECRETS: entry {position} is not name={PREFIX} and {KEY_BYTES.start} to {KEY_BYTES.stop - 1} "
            f"random bytes in base64; make one with: echo {PREFIX}$(openssl rand -base64 32)"
        )
    return Webhook(key)

"""DKIM: the sending domain's signature, by which receivers know that the mail is its own."""

from pathlib import Path
from typing import Protocol

import dkim  # type: ignore[import-untyped]

from postroom.wire.errors import ConfigurationError

_SIGNED = (
    *(b"from", b"to", b"cc", b"reply-to", b"subject", b"date", b"message-id"),
    *(b"mime-version", b"content-type", b"content-transfer-encoding"),
    *(b"list-unsubscribe", b"list-unsubscribe-post"),
)


class Signer(Protocol):
    """Signs a mail."""

    def sign(self, content: bytes) -> bytes:
        """`content` with its signature in front."""


class Unsigned:
    """Leaves the signature to the mail server."""

    def sign(self, content: bytes) -> bytes:
        """`content` as it is."""
        return content


class DkimSigner:
    """Signs with one key (RFC 6376, RSA-SHA256; RFC 8463 for an Ed25519 key is not supported).

    Args:
        domain, selector: the public key is in DNS at `<selector>._domainkey.<domain>`.
        key_file: the private key, PEM.
    """

    def __init__(self, domain: str, selector: str, key_file: Path) -> None:
        self._domain = domain.encode("idna")
        self._selector = selector.encode("ascii")
        try:
            self._key = key_file.read_bytes()
            self.sign(b"From: probe@example.com\r\n\r\nprobe\r\n")
        except OSError as error:
            raise ConfigurationError(f"EMAIL_DKIM_KEY_FILE: {key_file} cannot be read ({error.strerror})") from None
        except (dkim.DKIMException, ValueError):
            raise ConfigurationError(
                f"EMAIL_DKIM_KEY_FILE: {key_file} is not an RSA private key in PEM; make one with: openssl genrsa 2048"
            ) from None

    def sign(self, content: bytes) -> bytes:
        """`content` with its signature in front."""
        present = {line.split(b":", 1)[0].lower() for line in content.split(b"\r\n\r\n", 1)[0].split(b"\r\n")}
        signature: bytes = dkim.sign(
            content,
            self._selector,
            self._domain,
            self._key,
            canonicalize=(b"relaxed", b"relaxed"),
            # From once more than it occurs: nobody can add a second one in front.
            include_headers=[name for name in _SIGNED if name in present] + [b"from"],
        )
        return signature + content

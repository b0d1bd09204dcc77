"""Receives delivery receipts over HTTP, when SMS_RECEIPTS_PORT is set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from postroom.wire.errors import ConfigurationError
from postroom_sms.gateway_url import GatewayUrl
from postroom_sms.settings import ReceiptsSettings
from postroom_sms.texts import ReceiptHandler


@asynccontextmanager
async def serve_receipts(
    receipts: ReceiptsSettings, gateways: tuple[GatewayUrl, ...], handler: ReceiptHandler
) -> AsyncIterator[None]:
    """Take receipts and hand them to `handler` until the end of the block. Raises ConfigurationError."""
    if receipts.port is None:
        yield
        return
    try:
        from postroom_sms.receipts import HttpReceipts, ReceiptServerOptions, open_receipts  # noqa: PLC0415 - optional
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("postroom_sms", "postroom"):
            raise
        raise ConfigurationError(
            f"SMS_RECEIPTS_PORT: {error.name} is not installed: pip install 'postroom[sms]'"
        ) from None
    http = HttpReceipts(
        secrets=tuple(SecretStr(secret) for secret in _listed(receipts.http_secrets)),
        signature_header=receipts.http_signature_header,
        id_field=receipts.http_id_field,
        status_field=receipts.http_status_field,
        reason_field=receipts.http_reason_field,
        delivered=frozenset(word.lower() for word in _listed(receipts.http_delivered)),
        undelivered=frozenset(word.lower() for word in _listed(receipts.http_undelivered)),
    )
    settings = ReceiptServerOptions(
        host=receipts.host,
        port=receipts.port,
        public_url=receipts.public_url,
        twilio_tokens=_twilio_tokens(receipts, gateways),
        sns_topics=frozenset(_listed(receipts.sns_topics)),
        http=http if http.secrets else None,
    )
    async with open_receipts(settings, handler):
        yield


def _twilio_tokens(receipts: ReceiptsSettings, gateways: tuple[GatewayUrl, ...]) -> tuple[SecretStr, ...]:
    if receipts.twilio_tokens is not None:
        return tuple(SecretStr(token) for token in _listed(receipts.twilio_tokens))
    if receipts.public_url is None:  # without which no signature of Twilio's can be checked
        return ()
    return tuple(url.password for url in gateways if url.scheme == "twilio")


def _listed(text: str | SecretStr | None) -> list[str]:
    plain = text.get_secret_value() if isinstance(text, SecretStr) else text or ""
    return [word.strip() for word in plain.split(",") if word.strip()]

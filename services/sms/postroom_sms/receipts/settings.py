"""What the receipt server needs to know."""

from dataclasses import dataclass, field

from pydantic import SecretStr

from postroom_sms.gateway import DeliveryProgress

MOST_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpReceipts:
    """How the provider behind the generic HTTP gateway reports.

    Attributes:
        secrets: any of them may have signed: several while one is being replaced. One that begins with `whsec_`
            means a signature by the Standard Webhooks specification; another is the key of an HMAC-SHA256 over the
            body, in hexadecimal, in `signature_header`.
        id_field, status_field, reason_field: names in the JSON object or form; `data.status` reaches into objects.
        delivered, undelivered: values of status_field, in lower case; anything else says that the text is on
            its way.
    """

    secrets: tuple[SecretStr, ...]
    signature_header: str = "X-Signature"
    id_field: str = "id"
    status_field: str = "status"
    reason_field: str = "reason"
    delivered: frozenset[str] = frozenset({"delivered"})
    undelivered: frozenset[str] = frozenset({"undelivered", "failed", "expired", "rejected"})

    def progress(self, status: str) -> DeliveryProgress:
        """What a status means."""
        if status.lower() in self.delivered:
            return DeliveryProgress.DELIVERED
        return DeliveryProgress.UNDELIVERED if status.lower() in self.undelivered else DeliveryProgress.ACCEPTED


@dataclass(frozen=True, slots=True)
class ReceiptServerOptions:
    """Where receipts are received, and whose signatures are accepted.

    Attributes:
        port: 0 takes any free one.
        public_url: how providers reach this server, without `/receipts/…`: Twilio signs it.
        twilio_tokens: by account token; two while one is being replaced. None: no receipts from Twilio.
        sns_topics: ARNs of the topics that carry SMS events. None: no receipts from Amazon.
        http: None: no receipts from the generic HTTP gateway's provider.
    """

    host: str = "127.0.0.1"
    port: int = 0
    public_url: str | None = None
    twilio_tokens: tuple[SecretStr, ...] = ()
    sns_topics: frozenset[str] = field(default_factory=frozenset)
    http: HttpReceipts | None = None

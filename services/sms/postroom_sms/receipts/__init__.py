"""Takes delivery receipts over HTTP: one path per provider, each with the provider's own signature.

`/receipts/twilio`, `/receipts/sns`, `/receipts/http`; those without settings answer 404.
"""

from postroom_sms.receipts.server import ReceiptServer, open_receipts
from postroom_sms.receipts.settings import HttpReceipts, ReceiptServerOptions

__all__ = ["HttpReceipts", "ReceiptServer", "ReceiptServerOptions", "open_receipts"]

"""Amazon's SMS events, which arrive as notifications of an SNS topic.

Read are the events of AWS End User Messaging (`eventType`) and the delivery logs of SNS (`notification`, `status`),
where something forwards them to a topic.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from postroom.privacy.masking import mask_text
from postroom_sms.gateway import DeliveryProgress, Receipt
from postroom_sms.receipts.refusals import Unreadable, Untrusted
from postroom_sms.receipts.sns_signature import Fetch, SnsVerifier, is_amazons

log = logging.getLogger(__name__)

LONGEST_REASON = 200
_ON_ITS_WAY = frozenset({"TEXT_QUEUED", "TEXT_PENDING", "TEXT_SENT", "TEXT_SUCCESSFUL", "TEXT_UNKNOWN"})
"""SUCCESSFUL: the carrier has it. UNKNOWN: nobody will ever say."""


class SnsTopic:
    """Reads what SNS posts, of the topics in `topics` only, and confirms their subscriptions."""

    def __init__(self, topics: frozenset[str], fetch: Fetch) -> None:
        self._topics = topics
        self._fetch = fetch
        self._verifier = SnsVerifier(fetch)

    async def read(self, body: bytes) -> Receipt | None:
        """The receipt in a notification; None when it has none. Raises Untrusted, Unreadable, OSError."""
        notice = _read_object(body)
        topic = notice.get("TopicArn")
        if topic not in self._topics:
            raise Untrusted("TopicArn is not among those that are listened to")
        await self._verifier.check(notice)
        if notice["Type"] == "SubscriptionConfirmation":
            await self._confirm(str(topic), str(notice.get("SubscribeURL")))
        return _read_event(notice) if notice["Type"] == "Notification" else None

    async def _confirm(self, topic: str, url: str) -> None:
        if not is_amazons(url):
            raise Untrusted("SubscribeURL is not Amazon's")
        await self._fetch(url)
        log.info("The subscription to %s is confirmed", topic)


def _read_event(notice: Mapping[str, Any]) -> Receipt | None:
    event = _read_object(notice.get("Message", ""))
    if "eventType" in event:
        return _read_messaging_event(event)
    if "notification" in event:
        return _read_delivery_log(event)
    return None


def _read_messaging_event(event: Mapping[str, Any]) -> Receipt | None:
    kind, message_id = str(event["eventType"]), event.get("messageId")
    if not kind.startswith("TEXT_") or not message_id:
        return None
    if kind == "TEXT_DELIVERED":
        return Receipt("sns", str(message_id), DeliveryProgress.DELIVERED)
    if kind in _ON_ITS_WAY:
        return Receipt("sns", str(message_id), DeliveryProgress.ACCEPTED)
    return Receipt(
        "sns", str(message_id), DeliveryProgress.UNDELIVERED, _reason(kind, event.get("messageStatusDescription"))
    )


def _read_delivery_log(event: Mapping[str, Any]) -> Receipt | None:
    message_id = _mapping(event["notification"]).get("messageId")
    if not message_id:
        return None
    if event.get("status") == "SUCCESS":
        return Receipt("sns", str(message_id), DeliveryProgress.DELIVERED)
    said = _mapping(event.get("delivery")).get("providerResponse")
    return Receipt("sns", str(message_id), DeliveryProgress.UNDELIVERED, _reason(str(event.get("status")), said))


def _reason(kind: str, words: object) -> str:
    return mask_text(f"{kind}: {words}" if words else kind)[:LONGEST_REASON]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_object(body: bytes | str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unreadable("no JSON object")
    return value

"""Under which names a text is remembered here and at the provider."""

import hashlib
import re

from services.sms.texts import TextKey
from shared.messages import SendSms
from shared.worker import Delivery

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,200}")


def text_key(delivery: Delivery) -> TextKey:
    """Which text a delivery is about.

    A message without an id gets one here, made of its content and of when it was first seen: its retries are
    published with that id, so that they find what this try wrote down.
    """
    if not delivery.message_id:
        seen = delivery.first_seen_at.encode()
        delivery.message_id = hashlib.sha256(seen + b"\0" + delivery.body).hexdigest()[:32]
    return TextKey(delivery.queue, delivery.message_id)


def reference_of(key: TextKey) -> str:
    """What a provider knows the text by: the job's id where it can stand there; of listeners, with their queue.

    One event and one job may have the same id.
    """
    name = key.job_id if key.queue == SendSms.kind else f"{key.job_id}.{key.queue}"
    return name if _PLAIN.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:32]

"""The names of a text here and at the provider."""

import hashlib
import re

from postroom.wire.messages import SendSms
from postroom.worker import Delivery
from postroom_sms.texts import TextKey

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,200}")


def text_key(delivery: Delivery) -> TextKey:
    """Which text a delivery is about."""
    return TextKey(delivery.queue, delivery.ensure_id())


def reference_of(key: TextKey) -> str:
    """The provider's reference of a text: the job's id where it is valid there; for listeners, with their queue.

    One event and one job may have the same id.
    """
    name = key.job_id if key.queue == SendSms.kind else f"{key.job_id}.{key.queue}"
    return name if _PLAIN.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:32]

"""A delivery on its way from the broker to its end."""

from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Any

from postroom.runtime.inbox import Claim, Key
from postroom.wire.retries import RetryPolicy
from postroom.worker.delivery import NO_MESSAGE_OPTIONS, Delivery, MessageOptions
from postroom.worker.registration import Subscription


@dataclass(slots=True)
class Work:
    """What is known of a delivery so far.

    Attributes:
        subscription: the queue and its handler.
        options: what its publisher asked for.
        message: what the handler is given.
        wait: how much later its publisher wants it done.
        claim: what the inbox answered; None before it was asked, and for what has no identity.
        key: set while this process holds it in the inbox.
        began: when its processing, then its handler, began: seconds of `time.perf_counter`.
    """

    subscription: Subscription
    delivery: Delivery
    options: MessageOptions = NO_MESSAGE_OPTIONS
    message: Any = None
    wait: timedelta = timedelta(0)
    claim: Claim | None = None
    key: Key | None = None
    began: float = field(default_factory=perf_counter)

    @property
    def retry_policy(self) -> RetryPolicy:
        """The queue's, with what this message asked for instead."""
        return self.options.retry_policy(self.subscription.options.retry)

"""What is remembered of dead letters, and the port behind which it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.dead_letters.causes import Cause


@dataclass(frozen=True, slots=True)
class Failure:
    """One death of one message, as it may be kept: addresses, numbers and secrets are masked.

    Attributes:
        id: the same for every copy of this death, different for each death.
        queue: where it died; `unrouted` for a job that no queue takes.
        message_id: as `postroom dead` names the message.
        death: what tells this death from others of the message.
    """

    id: str
    queue: str
    kind: str
    message_id: str
    cause: Cause
    error: str
    payload: str
    failed_at: datetime
    death: str
    attempts: int
    replays: int


@dataclass(frozen=True, slots=True)
class Alert:
    """What a channel is to be told about a cause. Held by whoever claimed it, until its lease ends.

    Attributes:
        error: the newest error in full, masked.
        new: deaths that this channel has not been told of.
        total: deaths since `first_at`.
        since: when the channel was told last; at first, `first_at`.
        message_ids: a few of the newest.
        tries: notifications of this that failed already.
        token: who holds it.
    """

    channel: str
    cause: Cause
    error: str
    new: int
    total: int
    first_at: datetime
    last_at: datetime
    since: datetime
    message_ids: tuple[str, ...]
    tries: int
    token: str


class FailureLog(Protocol):
    """Every dead letter, by message and by cause, and what each channel has been told."""

    async def record(self, failure: Failure, channels: Sequence[str]) -> bool:
        """Store one death, to be told to `channels`. False when it is stored already: nothing changes then."""
        ...

    async def claim(self, channel: str, now: datetime, *, interval: timedelta, lease: timedelta) -> Alert | None:
        """An alert that is due on `channel`, for this caller alone until `now + lease`.

        A cause is due when deaths were recorded that the channel was not told of, and the last time it was told
        is at least `interval` ago.
        """
        ...

    async def told(self, alert: Alert, now: datetime) -> None:
        """The channel has it."""
        ...

    async def put_off(self, alert: Alert, until: datetime) -> None:
        """The channel did not take it: it is due again at `until`."""
        ...

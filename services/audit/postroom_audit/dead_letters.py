"""Makes rows of an event about dead letters: that they died, were replayed, or were discarded."""

from datetime import UTC

from postroom.privacy.payload import masked_error
from postroom.runtime.history.rows import storable
from postroom.wire.header_counts import counted
from postroom.wire.messages import DeadLetterDiscarded, DeadLetterReplayed, JobFailed
from postroom_audit.contents import kept_body
from postroom_audit.events import DIED, DISCARDED, REPLAYED, DeadLetterEvent

_LONGEST_ID = 512


def letters_in(event: JobFailed | DeadLetterReplayed | DeadLetterDiscarded) -> list[DeadLetterEvent]:
    """One for each message that the event names."""
    if isinstance(event, JobFailed):
        return _died(event)
    is_replay = isinstance(event, DeadLetterReplayed)
    return [
        DeadLetterEvent(
            message_id=storable(message_id, _LONGEST_ID) or "",
            queue=storable(event.queue, 255) or "",
            told_by=event.message_id,
            at=event.at,
            what=REPLAYED if is_replay else DISCARDED,
            who=storable(event.by, 255),
            replays=_replays(event, message_id) if isinstance(event, DeadLetterReplayed) else None,
            reason=None if isinstance(event, DeadLetterReplayed) else storable(masked_error(event.reason), 3000),
            was=kept_body(event.was) if isinstance(event, DeadLetterReplayed) and event.was else None,
        )
        for message_id in dict.fromkeys(event.message_ids)
    ]


def _died(event: JobFailed) -> list[DeadLetterEvent]:
    if not event.job_id:
        return []
    moment = event.failed_at if event.failed_at.tzinfo else event.failed_at.replace(tzinfo=UTC)
    return [
        DeadLetterEvent(
            message_id=storable(event.job_id, _LONGEST_ID) or "",
            queue=storable(event.queue, 255) or "",
            told_by=event.message_id,
            at=moment,
            what=DIED,
            kind=storable(event.job_kind, 255),
            replays=counted(event.replays),
            reason=storable(masked_error(f"{event.error_type}: {event.error}"), 3000),
        )
    ]


def _replays(event: DeadLetterReplayed, message_id: str) -> int | None:
    return counted(event.replays[message_id]) if message_id in event.replays else None

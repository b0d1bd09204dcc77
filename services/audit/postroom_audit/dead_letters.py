"""What an event says became of dead letters, as it may be kept."""

from datetime import UTC

from postroom.runtime.consuming.delivery import MOST_COUNTED
from postroom.runtime.history.rows import storable
from postroom.wire.messages import DeadLetterDiscarded, DeadLetterReplayed, JobFailed
from postroom_audit.contents import kept_body, kept_text
from postroom_audit.events import DIED, DISCARDED, REPLAYED, DeadLetterEvent

_LONGEST_ID = 512


def letters_in(told: JobFailed | DeadLetterReplayed | DeadLetterDiscarded) -> list[DeadLetterEvent]:
    """One for each message that the event names."""
    if isinstance(told, JobFailed):
        return _died(told)
    is_replay = isinstance(told, DeadLetterReplayed)
    return [
        DeadLetterEvent(
            message_id=storable(message_id, _LONGEST_ID) or "",
            queue=storable(told.queue, 255) or "",
            told_by=told.message_id,
            at=told.at,
            what=REPLAYED if is_replay else DISCARDED,
            who=storable(told.by, 255),
            replays=_counted(told.replays.get(message_id)) if isinstance(told, DeadLetterReplayed) else None,
            reason=None if isinstance(told, DeadLetterReplayed) else storable(kept_text(told.reason), 3000),
            was=kept_body(told.was) if isinstance(told, DeadLetterReplayed) and told.was else None,
        )
        for message_id in dict.fromkeys(told.message_ids)
    ]


def _died(told: JobFailed) -> list[DeadLetterEvent]:
    if not told.job_id:
        return []
    moment = told.failed_at if told.failed_at.tzinfo else told.failed_at.replace(tzinfo=UTC)
    return [
        DeadLetterEvent(
            message_id=storable(told.job_id, _LONGEST_ID) or "",
            queue=storable(told.queue, 255) or "",
            told_by=told.message_id,
            at=moment,
            what=DIED,
            kind=storable(told.job_kind, 255),
            replays=_counted(told.replays),
            reason=storable(kept_text(f"{told.error_type}: {told.error}"), 3000),
        )
    ]


def _counted(replays: int | None) -> int | None:
    return None if replays is None else max(0, min(replays, MOST_COUNTED))

"""From a try as a service tells it to the rows that are kept of it, whoever told it."""

from datetime import UTC
from typing import Any

import orjson

from postroom.privacy.masking import mask_text
from postroom.runtime.consuming.delivery import MOST_COUNTED
from postroom.runtime.history.rows import storable
from postroom.wire.messages import Recipient, RecordedTry
from postroom_audit.contents import CUT, kept_text

MOST_SHOWN = 10
"""Recipients of a try whose masked addresses are kept with it; all can be searched for."""

_LONGEST = {"try_id": 64, "message_id": 512, "error": 3000}
_LONGEST_NAME = 255


def try_values(service: str, told: RecordedTry) -> dict[str, Any]:
    """The columns of models.TryRow."""
    texts = {
        "try_id": told.id,
        "service": service,
        "queue": told.queue,
        "kind": told.kind,
        "message_id": told.message_id,
        "correlation_id": told.correlation_id,
        "app_id": told.app_id,
        "outcome": told.outcome,
        "error_type": told.error_type,
        "error": told.error and kept_text(told.error),
        "place": told.place,
    }
    moments = {"at": told.at, "published_at": told.published_at, "next_at": told.next_at}
    counts = {"attempt": told.attempt, "attempts": told.attempts, "replays": told.replays}
    return {
        **{name: storable(text, _LONGEST.get(name, _LONGEST_NAME)) for name, text in texts.items()},
        **{name: moment and moment.astimezone(UTC) for name, moment in moments.items()},
        **{name: count if count is None else min(count, MOST_COUNTED) for name, count in counts.items()},
        "milliseconds": told.milliseconds,
        "recipients": _shown(told.recipients),
    }


def recipient_values(told: RecordedTry, recipient: Recipient) -> dict[str, Any]:
    """The columns of models.TryRecipientRow."""
    ids = {"try_id": storable(told.id, 64), "digest": storable(recipient.digest, 64)}
    return {**ids, "at": told.at.astimezone(UTC)}


def _shown(recipients: list[Recipient]) -> str | None:
    if not recipients:
        return None
    shown = [storable(mask_text(each.masked), 320) for each in recipients[:MOST_SHOWN]]
    rest = len(recipients) - MOST_SHOWN
    return orjson.dumps([*shown, f"{CUT} {rest} more"] if rest > 0 else shown).decode()

"""Makes rows of a try that a service published. The service is not trusted: what it says is masked and cut."""

from datetime import UTC
from typing import Any

import orjson

from postroom.privacy.json_masking import CUT
from postroom.privacy.masking import mask_text
from postroom.privacy.payload import masked_error
from postroom.runtime.history.rows import storable
from postroom.wire.header_counts import counted
from postroom.wire.messages import Recipient, RecordedTry

MOST_SHOWN = 10
"""Recipients of a try whose masked addresses are kept with it; all can be searched for."""

_LONGEST = {"try_id": 64, "message_id": 512, "error": 3000}
_LONGEST_NAME = 255


def try_values(service: str, tried: RecordedTry) -> dict[str, Any]:
    """The columns of models.TryRow."""
    texts = {
        "try_id": tried.id,
        "service": service,
        "queue": tried.queue,
        "kind": tried.kind,
        "message_id": tried.message_id,
        "correlation_id": tried.correlation_id,
        "app_id": tried.app_id,
        "outcome": tried.outcome,
        "error_type": tried.error_type,
        "error": tried.error and masked_error(tried.error),
        "place": tried.place,
    }
    moments = {"at": tried.at, "published_at": tried.published_at, "next_at": tried.next_at}
    counts = {"attempt": tried.attempt, "attempts": tried.attempts, "replays": tried.replays}
    return {
        **{name: storable(text, _LONGEST.get(name, _LONGEST_NAME)) for name, text in texts.items()},
        **{name: moment and moment.astimezone(UTC) for name, moment in moments.items()},
        **{name: None if count is None else counted(count) for name, count in counts.items()},
        "milliseconds": tried.milliseconds,
        "recipients": _shown(tried.recipients),
    }


def recipient_values(tried: RecordedTry, recipient: Recipient) -> dict[str, Any]:
    """The columns of models.TryRecipientRow."""
    ids = {"try_id": storable(tried.id, 64), "digest": storable(recipient.digest, 64)}
    return {**ids, "at": tried.at.astimezone(UTC)}


def _shown(recipients: list[Recipient]) -> str | None:
    if not recipients:
        return None
    shown = [storable(mask_text(each.masked), 320) for each in recipients[:MOST_SHOWN]]
    rest = len(recipients) - MOST_SHOWN
    return orjson.dumps([*shown, f"{CUT} {rest} more"] if rest > 0 else shown).decode()

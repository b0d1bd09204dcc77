"""A try as a service writes it down."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A try as the processor writes it down."""
    return {
        "at": NOON + timedelta(seconds=number),
        "queue": "email.send",
        "message_id": f"m-{number}",
        "correlation_id": None,
        "attempt": 1,
        "replays": 0,
        "outcome": "retried",
        "error_type": "ValueError",
        "error": "no",
        "milliseconds": 1.5,
        "try_id": f"t-{number}",
        "kind": "email.send",
        "app_id": "shop",
        "published_at": NOON,
        "attempts": 3,
        "place": "postroom_email.mail_sender.send",
        "next_at": NOON + timedelta(minutes=1),
        "recipients": '[{"masked":"a•••@example.com","digest":"d1"}]',
    } | changes

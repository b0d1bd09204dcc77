"""What a receiver's response means for the job."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from postroom.wire.errors import JobError
from postroom_webhook.caller import HttpResponse
from postroom_webhook.errors import ReceiverFailed, ReceiverGone, ReceiverRefused, RedirectNotFollowed

LONGEST_RETRY_AFTER = timedelta(days=1)
_MAY_PASS = frozenset((408, 425, 429))


def failure_of(response: HttpResponse, place: str, now: datetime) -> JobError | None:
    """Why the call failed; None when the receiver took it (2xx). `place` is its host and port."""
    status = response.status
    if 200 <= status < 300:
        return None
    said = f"{place} answered {status} {_phrase(status)}".rstrip()
    if status in _MAY_PASS or status >= 500:
        return ReceiverFailed(said, retry_after=retry_after(response.headers.get("retry-after"), now))
    if status == 410:
        return ReceiverGone(
            f"{said}: the receiver wants no more webhooks at this URL; take it off the publisher's list"
        )
    if 300 <= status < 400:
        return RedirectNotFollowed(f"{said}: redirects are not followed; publish with the URL it leads to")
    return ReceiverRefused(f"{said}; the attempts log has what it wrote")


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The wait that Retry-After asks for, in seconds or as a date (RFC 9110, 10.2.3): a day at most."""
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,12}", value):
        wait = timedelta(seconds=int(value))
    else:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(wait, LONGEST_RETRY_AFTER) if wait > timedelta(0) else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""

"""Validates what a job asks for and makes the text that is sent."""

from dataclasses import dataclass
from datetime import UTC, datetime

from postroom.wire.errors import Expired
from postroom.worker import Delivery
from postroom.worker.delivery import read_message_options
from postroom_sms.errors import TextTooLong
from postroom_sms.gateway import Text
from postroom_sms.numbers import NumberReader
from postroom_sms.segments import Segments, split
from postroom_sms.senders import check_sender


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A text as a message asks for it. `number_field` is what the message calls the number; `secret` is a part of
    the content that errors must not repeat either."""

    to: str
    content: str
    sender: str | None = None
    expires_at: datetime | None = None
    number_field: str = "to"
    secret: str | None = None


class TextValidator:
    """Validates requests.

    Args:
        numbers: reads phone numbers.
        sender: who texts come from, when a request names none.
        max_segments: parts that one text may take.
    """

    def __init__(self, numbers: NumberReader, sender: str | None, max_segments: int) -> None:
        self._numbers = numbers
        self._sender = sender
        self._max_segments = max_segments

    def check(self, request: TextRequest, delivery: Delivery, reference: str) -> tuple[Text, Segments]:
        """The text and its parts. Raises InvalidNumber, InvalidSender, TextTooLong."""
        segments = split(request.content)
        if segments.count > self._max_segments:
            raise TextTooLong(
                f"message: takes {segments.count} parts in {segments.encoding}, SMS_MAX_SEGMENTS allows "
                f"{self._max_segments}"
            )
        text = Text(
            to=self._numbers.read(request.number_field, request.to),
            content=request.content,
            reference=reference,
            sender=check_sender("sender", request.sender) if request.sender else self._sender,
            expires_at=_earlier(request.expires_at, read_message_options(delivery.headers).expires_at),
        )
        return text, segments


def check_time(text: Text) -> None:
    """Raises Expired when it is too late to send the text."""
    if text.expires_at is not None and text.expires_at <= datetime.now(UTC):
        raise Expired("expires_at has passed; the text was not sent late")


def _earlier(*moments: datetime | None) -> datetime | None:
    """The earliest of those that are given; one without a zone is in UTC."""
    given = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in moments if moment is not None)
    return min(given, default=None)

"""A dead letter with another body: what was changed, and whether its service will take it."""

from dataclasses import dataclass

import orjson

from postroom.installation import workers
from postroom.operator.dead_letters.reading import QueuedDeadLetter
from postroom.operator.dead_letters.target import ReplayTarget
from postroom.privacy.payload import masked_payload
from postroom.runtime.consuming.decoding import decode, read_object
from postroom.wire.errors import InvalidMessage
from postroom.wire.messages import KINDS, Message
from postroom.worker.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Edit:
    """One message's body before and after. The message is found again by both its id and its old body."""

    id: str
    old_body: bytes
    new_body: bytes

    @property
    def was(self) -> str:
        """The old body, masked."""
        return masked_payload(self.old_body)


def as_text(body: bytes) -> str:
    """The body as a person edits it: JSON over several lines, anything else as it is."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode() + "\n"
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


def as_body(text: str) -> bytes:
    """What is published for an edited text: JSON without the line breaks that were for the person."""
    try:
        return orjson.dumps(orjson.loads(text))
    except orjson.JSONDecodeError:
        return text.encode()


def is_same(old: bytes, new: bytes) -> bool:
    """Whether a person who edits `old` and leaves `new` has changed nothing."""
    return as_body(as_text(old)) == as_body(as_text(new))


def problem_of(body: bytes, found: QueuedDeadLetter, target: ReplayTarget) -> str:
    """Why the service would bury `found` again if `body` were its body; empty if it would take it.

    The body is checked against the contract of the service that reads the queue, else the shipped one of the kind. For
    an unknown kind only the general rules are checked: one JSON object within the limits of the wire.
    """
    model = _contract(found, target)
    try:
        if model is None:
            read_object(body)
        else:
            decode(_delivery(body, found, target), model)
    except InvalidMessage as error:
        return str(error)
    return ""


def _contract(found: QueuedDeadLetter, target: ReplayTarget) -> type[Message] | None:
    queue = target.routing_key or found.letter.kind
    for worker in workers():
        if (subscription := worker.subscriptions.get(queue)) is not None:
            return subscription.model
    return KINDS.get(found.letter.kind)


def _delivery(body: bytes, found: QueuedDeadLetter, target: ReplayTarget) -> Delivery:
    message = found.message
    return Delivery(
        queue=target.died_in,
        body=body,
        message_id=message.message_id,
        content_type=message.content_type,
        headers=message.headers,
        exchange=message.exchange or "",
        routing_key=message.routing_key or "",
        tag=0,
    )

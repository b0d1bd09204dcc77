"""The two kinds of message and what they have in common.

A contract is a pydantic model with a `kind`; nothing else is needed to validate, document and test it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError


class Message(BaseModel):
    """A JSON object on the wire. Unknown fields are kept and ignored.

    Attributes:
        kind: the wire name, also the routing key. It may gain aliases, it never changes.
        recipient_fields: those of its fields that say whom it is for, as e-mail addresses or phone numbers; the history
            keeps them masked, and finds messages by them.
    """

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True, ser_json_bytes="base64")

    # A slot, not a private attribute of pydantic's: those cost each message as much as its validation.
    __slots__ = ("_message_id",)
    kind: ClassVar[str]
    recipient_fields: ClassVar[tuple[str, ...]] = ()

    @property
    def message_id(self) -> str:
        """The AMQP message id: unique per message, stable over retries and replays; empty if it had none."""
        return getattr(self, "_message_id", "")

    def identified(self, message_id: str) -> Self:
        """Set the message id and return the same message."""
        object.__setattr__(self, "_message_id", message_id)
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """pydantic's; the copy keeps the message id."""
        return super().model_copy(update=update, deep=deep).identified(self.message_id)

    def to_wire(self) -> dict[str, Any]:
        """The JSON object that is published: wire names, without what was never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Job(Message):
    """A command: exactly one service does it. Kinds are `<service>.<verb>`."""

    @property
    def id(self) -> str:
        """The job's id, which providers may use as an idempotency key."""
        return self.message_id


class Event(Message):
    """A fact: any number of services receive it, also none. Kinds are `<noun>.<past participle>`."""


def describe_problems(error: ValidationError, limit: int = 5) -> str:
    """What is wrong with a message, one `field: reason` per problem, without repeating the rejected values."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [_describe(problem["loc"], problem["msg"]) for problem in problems[:limit]]
    if len(problems) > limit:
        lines.append(f"and {len(problems) - limit} more")
    return "; ".join(lines)


def _describe(location: tuple[int | str, ...], reason: str) -> str:
    field = ".".join(str(part) for part in location) or "body"
    return f"{field}: {reason.removeprefix('Value error, ')}"

"""From bytes to a message: every check that needs nothing but the message itself, cheapest first."""

from typing import Any

import orjson
from pydantic import ValidationError

from postroom import wire
from postroom.broker.amqp_values import UNREADABLE
from postroom.wire.errors import InvalidMessage
from postroom.wire.messages import Message, describe_problems
from postroom.worker.delivery import Delivery


def decode(delivery: Delivery, model: type[Message]) -> Message:
    """The message of a delivery, with its id. Raises InvalidMessage naming the field and the reason."""
    message_id, fields = open_body(delivery, model.kind)
    if message_id is not None:
        _check_id(message_id)
    try:
        return model.model_validate(fields).identified(message_id or "")
    except ValidationError as error:
        raise InvalidMessage(describe_problems(error)) from None


def open_body(delivery: Delivery, kind: str) -> tuple[str | None, dict[str, Any]]:
    """Message id and fields of a message of `kind`, from inside where it is a CloudEvent.

    Raises InvalidMessage like `read_object`, and for a CloudEvent that is none or has another type.
    """
    fields = read_object(delivery.body)
    if delivery.content_type and delivery.content_type.startswith(wire.CLOUDEVENTS):
        return _open_cloud_event(fields, kind)
    return delivery.message_id, fields


def _check_id(message_id: str) -> None:
    if UNREADABLE in message_id:
        raise InvalidMessage("message_id: not UTF-8")
    if len(message_id.encode()) > wire.MAX_SHORT_BYTES or "\0" in message_id:
        raise InvalidMessage(f"message_id: at most {wire.MAX_SHORT_BYTES} bytes and no NUL")


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises InvalidMessage when it is none, too large, too deep or has NUL in it."""
    if len(body) > wire.MAX_BODY_BYTES:
        raise InvalidMessage(f"body: {len(body)} bytes, at most {wire.MAX_BODY_BYTES} are allowed; send content by URL")
    # An upper bound of the depth that needs no walk; only what may be too deep is looked at closely.
    if body.count(b"{") + body.count(b"[") > wire.MAX_DEPTH and _depth(body) > wire.MAX_DEPTH:
        raise InvalidMessage(f"body: objects and lists are nested more than {wire.MAX_DEPTH} deep")
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidMessage(f"body: not JSON ({error})") from None
    if not isinstance(fields, dict):
        raise InvalidMessage(f"body: a JSON object is needed, not {_json_type(fields)}")
    if b"\\u0000" in body and _has_nul(fields):
        raise InvalidMessage("body: NUL characters are not allowed")
    return fields


def _open_cloud_event(event: dict[str, Any], kind: str) -> tuple[str, dict[str, Any]]:
    if event.get("type") != kind:
        raise InvalidMessage(f"type: this queue takes {kind}, the CloudEvent has another type")
    if not isinstance(event.get("id"), str) or not event["id"]:
        raise InvalidMessage("id: a CloudEvent needs one, as a string")
    if not isinstance(event.get("data"), dict):
        raise InvalidMessage("data: a JSON object is needed")
    return event["id"], event["data"]


def _depth(body: bytes) -> int:
    depth = deepest = 0
    in_string = escaped = False
    for byte in body:
        if in_string:
            in_string = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_nul, value))


def _json_type(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")

"""From bytes to a message, or to a reason that names the field."""

import json
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from postroom import wire
from postroom.runtime.consuming.decoding import decode, read_object
from postroom.testing import make_delivery
from postroom.wire.errors import InvalidMessage
from postroom.wire.messages import Job

CLOUD = "application/cloudevents+json"


class Order(Job):
    kind: ClassVar[str] = "shop.order"
    amount: int = Field(ge=1)


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_a_message_has_its_fields_and_its_id() -> None:
    order = decode(make_delivery(body(amount=3, note="x"), message_id="o-1"), Order)

    assert isinstance(order, Order)
    assert (order.amount, order.id, order.to_wire()) == (3, "o-1", {"amount": 3, "note": "x"})


def test_a_message_without_an_id_has_an_empty_one() -> None:
    assert decode(make_delivery(body(amount=3), message_id=None), Order).message_id == ""


def test_a_cloud_event_brings_its_own_id() -> None:
    event = body(id="e-1", type="shop.order", data={"amount": 3}, specversion="1.0", source="/shop")

    order = decode(make_delivery(event, message_id="other", content_type=f"{CLOUD}; charset=utf-8"), Order)

    assert (order.message_id, order.to_wire()) == ("e-1", {"amount": 3})


@pytest.mark.parametrize(
    ("content", "properties", "reason"),
    [
        (body(), {}, "amount: Field required"),
        (body(amount=0), {}, "amount: "),
        (body(amount="many"), {}, "amount: "),
        (b"[]", {}, "body: a JSON object is needed, not an array"),
        (b"1.5", {}, "body: a JSON object is needed, not a number"),
        (b"", {}, "body: not JSON"),
        (body(amount=3), {"message_id": "x" * 256}, "message_id: at most 255 bytes"),
        (body(amount=3), {"message_id": "ü" * 128}, "message_id: at most 255 bytes"),
        (body(amount=3), {"message_id": "a\0"}, "message_id: "),
        (body(amount=3), {"message_id": "a\ufffd"}, "message_id: not UTF-8"),
        (body(type="shop.order", data={}), {"content_type": CLOUD}, "id: "),
        (body(id="e", type="other", data={}), {"content_type": CLOUD}, "type: "),
        (body(id="e", type="shop.order", data=[]), {"content_type": CLOUD}, "data: "),
    ],
)
def test_what_breaks_the_contract_is_named(content: bytes, properties: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidMessage) as failure:
        decode(make_delivery(content, **properties), Order)

    assert str(failure.value).startswith(reason)


def test_a_rejected_value_is_not_repeated() -> None:
    with pytest.raises(InvalidMessage) as failure:
        decode(make_delivery(body(amount="hunter2")), Order)

    assert "hunter2" not in str(failure.value)


def test_an_id_may_have_255_bytes() -> None:
    assert decode(make_delivery(body(amount=1), message_id="ü" * 127 + "x"), Order).message_id


@pytest.mark.parametrize("depth", [wire.MAX_DEPTH, wire.MAX_DEPTH + 1])
def test_sixteen_levels_are_allowed_and_no_more(depth: int) -> None:
    content = b'{"a":' * depth + b"1" + b"}" * depth

    if depth <= wire.MAX_DEPTH:
        assert "a" in read_object(content)
    else:
        with pytest.raises(InvalidMessage, match="nested more than 16 deep"):
            read_object(content)


def test_brackets_within_text_are_not_depth() -> None:
    content = json.dumps({"text": '[{"' * 100 + '\\"[[[', "more": ["{"] * 50, "back": "\\"}).encode()

    assert read_object(content)["back"] == "\\"


def test_the_largest_body_is_256_kib() -> None:
    content = b'{"a":"' + b"x" * (wire.MAX_BODY_BYTES - 8) + b'"}'
    assert len(content) == wire.MAX_BODY_BYTES
    read_object(content)

    with pytest.raises(InvalidMessage, match="262145 bytes, at most 262144 are allowed"):
        read_object(content[:-2] + b'x"}')


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert read_object(rb'{"a":"\\u0000"}') == {"a": "\\u0000"}


@given(st.binary() | st.text().map(str.encode) | st.recursive(st.none(), st.lists).map(json.dumps).map(str.encode))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    with suppress(InvalidMessage):
        assert isinstance(read_object(content), dict)

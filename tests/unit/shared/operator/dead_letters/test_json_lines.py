"""A dead letter as a line of JSON, and back."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from postroom import wire
from postroom.operator.dead_letters import Envelope, QueuedDeadLetter, read_dead_letter, target_of
from postroom.operator.dead_letters.json_lines import as_line, stored_in
from postroom.wire.errors import ConfigurationError

PROPERTIES = {
    "message_id": "m-1", "content_type": "application/json", "content_encoding": "x", "priority": 3,
    "correlation_id": "c", "reply_to": "r", "expiration": 90.5, "timestamp": datetime(2026, 3, 1, 12, tzinfo=UTC),
    "type": "t", "app_id": "shop",
}  # fmt: skip


def line(body: bytes = b"{}", headers: dict[str, Any] | None = None, **changes: Any) -> bytes:
    headers = headers or {}
    letter = read_dead_letter(Envelope(headers=headers), queue="email.send")
    message = SimpleNamespace(body=body, headers=headers, routing_key="email.send", **(PROPERTIES | changes))
    return as_line(QueuedDeadLetter("m-1", letter, cast("Any", message)), target_of("email.send.dead"))


def test_properties_and_body_come_back() -> None:
    stored = stored_in(line("ä {\n".encode()))

    assert (stored.id, stored.queue) == ("m-1", "email.send.dead")
    assert stored.message.body == "ä {\n".encode()
    assert {name: getattr(stored.message, name) for name in PROPERTIES} == PROPERTIES
    assert stored.message.delivery_mode == 2


def test_a_body_that_is_no_text_comes_back_byte_for_byte() -> None:
    body = bytes(range(256))

    assert stored_in(line(body)).message.body == body


def test_an_empty_body_comes_back() -> None:
    assert stored_in(line(b"")).message.body == b""


@pytest.mark.parametrize(
    "value",
    [
        None, True, 7, -(2**40), 1.5, "text", bytearray(b"\xff\x00"), datetime(2026, 3, 1, tzinfo=UTC),
        Decimal("1.25"), math.inf, [1, ["x", {"a": bytearray(b"b")}]], {"deep": {"er": Decimal(1)}},
        {"$time": "no time"}, {"$table": 1}, {"$bytes": "!", "more": 1}, {},
    ],
    ids=str,
)  # fmt: skip
def test_header_values_come_back_with_their_types(value: Any) -> None:
    headers = {"tenant": value}

    read = stored_in(line(headers=headers)).message.headers

    assert read == headers
    assert type(read["tenant"]) is type(value)


def test_a_line_is_one_line_that_a_person_can_read() -> None:
    written = line(b'{"a": "x\ny"}', {wire.X_ERROR_TYPE: "RecipientRefused", wire.X_ERROR: "550"})

    assert written.count(b"\n") == 1
    read = json.loads(written)
    assert (read["queue"], read["id"], read["error_type"], read["error"]) == (
        "email.send.dead", "m-1", "RecipientRefused", "550",
    )  # fmt: skip


def test_headers_that_would_copy_it_into_other_queues_are_left_off() -> None:
    assert stored_in(line(headers={"CC": ["x"], "BCC": ["x"], "a": 1})).message.headers == {"a": 1}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"postroom": 2}, "postroom"),
        ({"queue": ""}, "queue"),
        ({"body": None}, "body"),
        ({"body_base64": "!"}, "body"),
        ({"headers": {"a": {"$bytes": "!"}}}, "a value in it"),
        ({"headers": {"a": {"$time": 7}}}, "a value in it"),
        ({"headers": {"a": {"$table": "x"}}}, "a value in it"),
        ({"headers": []}, "headers"),
        ({"properties": {"user_id": "x"}}, "user_id"),
    ],
)
def test_a_line_that_is_not_one_of_ours_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        stored_in(json.dumps(json.loads(line()) | change).encode())


def test_a_line_that_is_no_json_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="JSON"):
        stored_in(b"{")

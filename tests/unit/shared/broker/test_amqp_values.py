"""Whatever stands in a property or header can be read, and written again."""

import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, decode, encode, frame, header

from postroom.broker.amqp_values import DEEPEST, UNREADABLE, tolerate_any_value


@pytest.fixture(autouse=True, scope="module")
def tolerant() -> None:
    tolerate_any_value()
    tolerate_any_value()  # as each connection does


def test_pamqp_reads_and_writes_by_the_tables_that_are_replaced() -> None:
    assert decode.METHODS.keys() >= {"shortstr", "timestamp", "table"}
    assert decode.TABLE_MAPPING.keys() >= {b"S", b"T", b"D"}
    assert b"d" + encode.double(0.1) in encode.field_table({"rate": 0.1})


def long_text(raw: bytes) -> bytes:
    return b"S" + struct.pack(">I", len(raw)) + raw


def table(*fields: tuple[bytes, bytes]) -> bytes:
    content = b"".join(bytes([len(name)]) + name + value for name, value in fields)
    return struct.pack(">I", len(content)) + content


def read_headers(content: bytes) -> dict[str, Any]:
    """What a content header with this table becomes."""
    properties = struct.pack(">HHQH", 60, 0, 0, 1 << 13) + content
    whole = struct.pack(">BHI", 2, 1, len(properties)) + properties + b"\xce"
    _, _, unmarshalled = frame.unmarshal(whole)
    assert isinstance(unmarshalled, header.ContentHeader)
    headers = unmarshalled.properties.headers
    assert headers is not None
    return dict(headers)


def written_again(headers: dict[str, Any]) -> dict[str, Any]:
    return read_headers(encode.field_table(headers))


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ((b"name", long_text("ü€".encode())), {"name": "ü€"}),
        ((b"name", long_text(b"\xff\xfe")), {"name": bytearray(b"\xff\xfe")}),
        ((b"n\xff", b"V"), {f"n{UNREADABLE}": None}),
        ((b"when", b"T" + struct.pack(">Q", 1_767_225_600)), {"when": datetime(2026, 1, 1, tzinfo=UTC)}),
        ((b"when", b"T" + struct.pack(">Q", 2**63)), {"when": None}),
        ((b"when", b"T" + struct.pack(">Q", 1_767_225_600_000_000_000)), {"when": None}),  # nanoseconds
        ((b"rate", b"d" + struct.pack(">d", 1e300)), {"rate": 1e300}),
        ((b"rate", b"d" + struct.pack(">d", 0.1)), {"rate": 0.1}),
        ((b"price", b"D" + struct.pack(">Bi", 2, -1999)), {"price": Decimal("-19.99")}),
        ((b"price", b"D" + struct.pack(">BI", 255, 2**32 - 1)), {"price": Decimal(-1).scaleb(-255)}),
        ((b"raw", b"x" + struct.pack(">I", 2) + b"\0\xff"), {"raw": bytearray(b"\0\xff")}),
        ((b"large", b"l" + struct.pack(">q", -(2**63))), {"large": -(2**63)}),
        ((b"list", b"A" + struct.pack(">I", 3) + b"Vt\1"), {"list": [None, True]}),
        ((b"inner", b"F" + table((b"a", b"b\1"), (b"\xff", b"V"))), {"inner": {"a": 1, UNREADABLE: None}}),
        ((b"", b"V"), {"": None}),
    ],
)
def test_a_header_is_read_and_can_be_written_again(field: tuple[bytes, bytes], expected: dict[str, Any]) -> None:
    headers = read_headers(table(field))

    assert headers == expected
    assert written_again(headers) == expected


def test_a_field_after_an_unreadable_one_is_read_too() -> None:
    fields = [(b"\xff", b"V"), (b"when", b"T" + b"\xff" * 8), (b"text", long_text(b"\xff")), (b"n", b"b\7")]

    assert read_headers(table(*fields))["n"] == 7


@pytest.mark.parametrize(("kind", "wrap"), [(b"F", lambda inner: table((b"a", inner))), (b"A", lambda inner: inner)])
def test_what_is_nested_too_deep_is_left_out(kind: bytes, wrap: Any) -> None:
    value = b"b\1"
    for _ in range(3000):
        content = wrap(value)
        value = kind + (content if kind == b"F" else struct.pack(">I", len(content)) + content)

    headers = read_headers(table((b"deep", value), (b"n", b"b\7")))

    assert headers["n"] == 7
    assert depth_of(headers["deep"]) == DEEPEST
    written_again(headers)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + depth_of(value["a"])
    return 1 + depth_of(value[0]) if isinstance(value, list) else 0


@pytest.mark.parametrize("raw", [b"\xff" * 255, b"ok\xff", "ü".encode()[:1], b"\xf0\x9f"])
def test_a_short_text_that_is_not_utf_8_is_marked_and_stays_short(raw: bytes) -> None:
    properties = commands.Basic.Properties()
    properties.unmarshal(1 << 7, bytes([len(raw)]) + raw)

    assert properties.message_id is not None
    assert UNREADABLE in properties.message_id
    encode.short_string(properties.message_id)


def test_a_routing_key_that_is_not_utf_8_is_read() -> None:
    key = b"\xff" * 10
    arguments = struct.pack(">HH", 60, 60) + b"\x01c" + struct.pack(">QB", 1, 0) + b"\x04jobs" + bytes([10]) + key
    _, _, delivery = frame.unmarshal(struct.pack(">BHI", 1, 1, len(arguments)) + arguments + b"\xce")

    assert delivery.routing_key == UNREADABLE * 10


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary().map(bytearray)
    | st.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=20), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text("xyz-ü", min_size=1, max_size=50), VALUES, max_size=6))
def test_what_is_written_is_read_as_it_was(headers: dict[str, Any]) -> None:
    assert written_again(headers) == headers

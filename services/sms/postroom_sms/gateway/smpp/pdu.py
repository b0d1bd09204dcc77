"""SMPP 3.4 on the wire: what we send is packed by aiosmpplib; what comes is read here.

Its reader refuses what real servers send: status codes of their own, receipts whose facts stand in optional
parameters alone, unknown data codings. One such PDU must not end the session.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from aiosmpplib.state import SmppCommandStatus

HEADER_BYTES = 16
LARGEST_PDU_BYTES = 70_000  # a payload of 64 KiB and its frame
RESPONSE = 0x80000000


class CommandId(IntEnum):
    """Command ids of what comes to us."""

    GENERIC_NACK = 0x80000000
    BIND_TRANSCEIVER_RESP = 0x80000009
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015


class Tag(IntEnum):
    """Optional parameters of a receipt."""

    RECEIPTED_MESSAGE_ID = 0x001E
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class MalformedPdu(Exception):
    """The far side does not speak SMPP. The text is for operators."""


@dataclass(frozen=True, slots=True)
class Header:
    """Of every PDU. `length` is that of the whole PDU."""

    length: int
    command: int
    status: int
    sequence: int


@dataclass(frozen=True, slots=True)
class DeliverSm:
    """What comes from the network: a receipt, or a text that a phone has sent."""

    esm_class: int
    data_coding: int
    content: bytes
    tags: Mapping[int, bytes] = field(default_factory=dict)


def read_header(data: bytes) -> Header:
    """Raises MalformedPdu when the length is none that a PDU can have."""
    header = Header(*struct.unpack(">IIII", data))
    if not HEADER_BYTES <= header.length <= LARGEST_PDU_BYTES:
        raise MalformedPdu(f"a PDU of {header.length} bytes was announced")
    return header


def read_message_id(body: bytes) -> str:
    """The id in the body of a submit_sm_resp; empty where there is none."""
    return _text(body.split(b"\0", 1)[0])


def read_deliver_sm(body: bytes) -> DeliverSm:
    """Raises MalformedPdu."""
    try:
        rest = _after_string(body)  # service type
        rest = _after_string(rest[2:])  # source
        rest = _after_string(rest[2:])  # destination
        esm_class, rest = rest[0], rest[3:]
        rest = _after_string(_after_string(rest))  # schedule, validity
        _registered, _replace, data_coding, _default, length = struct.unpack_from(">5B", rest)
        content, rest = rest[5 : 5 + length], rest[5 + length :]
        tags = _read_tags(rest)
    except (ValueError, IndexError, struct.error):
        raise MalformedPdu("a deliver_sm is cut short") from None
    return DeliverSm(esm_class, data_coding, content or tags.get(Tag.MESSAGE_PAYLOAD, b""), tags)


def status_name(status: int) -> str:
    """`ESME_RTHROTTLED (0x58)`; the number alone where the specification has no name."""
    try:
        return f"{SmppCommandStatus(status).name} (0x{status:x})"
    except ValueError:
        return f"status 0x{status:x}"


def _after_string(data: bytes) -> bytes:
    return data[data.index(b"\0") + 1 :]


def _read_tags(data: bytes) -> dict[int, bytes]:
    tags = {}
    while data:
        tag, length = struct.unpack_from(">HH", data)
        tags[tag] = data[4 : 4 + length]
        data = data[4 + length :]
    return tags


def _text(data: bytes) -> str:
    return "".join(c for c in data.decode("latin-1") if c.isprintable()).strip()

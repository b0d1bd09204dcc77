"""SMPP: parts, receipts, statuses, options, and the PDU as another library reads it."""

from datetime import UTC, datetime

import pytest
import smpp34
from aiosmpplib.protocol import SubmitSm

from postroom.wire.errors import ConfigurationError
from postroom_sms.errors import (
    GatewayThrottled,
    GatewayUnavailable,
    NumberRefused,
    RecipientOptedOut,
    TextDeferred,
    TextRefused,
)
from postroom_sms.gateway import DeliveryProgress
from postroom_sms.gateway.smpp.options import read_options
from postroom_sms.gateway.smpp.parts import ReferenceNumbers, split_parts
from postroom_sms.gateway.smpp.pdu import DeliverSm, MalformedPdu, Tag, read_deliver_sm, read_header
from postroom_sms.gateway.smpp.receipts import MessageIds, read_receipt
from postroom_sms.gateway.smpp.statuses import refuse
from postroom_sms.gateway_url import parse_gateways

RECEIPT = 4
WORDS = b"id:7 sub:001 dlvrd:000 submit date:2611231200 done date:2611231201 stat:%s err:%s text:stat:DELIVRD"


def test_a_short_text_has_no_header():
    [part] = split_parts("Hi {€}", 5)

    assert (part.octets, part.encoding, part.esm_class) == (b"Hi \x1b(\x1be\x1b)", None, 0)


@pytest.mark.parametrize("content", ["a" * 161, "a" * 152 + "€" + "b" * 10, "日" * 71, "a" * 66 + "😀" * 10])
def test_each_part_of_a_long_text_carries_the_same_reference_and_fits(content: str):
    parts = split_parts(content, 77)

    assert [part.octets[:6] for part in parts] == [bytes((5, 0, 3, 77, len(parts), n + 1)) for n in range(len(parts))]
    assert all(part.esm_class == 0x40 for part in parts)
    longest = 6 + (153 if parts[0].encoding is None else 134)
    assert all(len(part.octets) <= longest for part in parts)


def test_a_retry_has_the_same_reference_and_another_text_has_another():
    numbers = ReferenceNumbers()
    first = numbers.number_of("job-1")

    assert len({numbers.number_of(f"job-{n}") for n in range(2, 257)} | {first}) == 256
    assert numbers.number_of("job-1") == first


@pytest.mark.parametrize(
    ("state", "progress"),
    [
        (b"DELIVRD", DeliveryProgress.DELIVERED),
        (b"UNDELIV", DeliveryProgress.UNDELIVERED),
        (b"EXPIRED", DeliveryProgress.UNDELIVERED),
        (b"REJECTD", DeliveryProgress.UNDELIVERED),
        (b"DELETED", DeliveryProgress.UNDELIVERED),
        (b"ACCEPTD", DeliveryProgress.ACCEPTED),
        (b"ENROUTE", DeliveryProgress.ACCEPTED),
        (b"UNKNOWN", DeliveryProgress.ACCEPTED),
        (b"delivrd", DeliveryProgress.DELIVERED),
    ],
)
def test_a_receipts_state_is_read_and_never_the_texts_own_words(state: bytes, progress: DeliveryProgress):
    receipt = read_receipt(DeliverSm(RECEIPT, 0, WORDS % (state, b"000")), "smpp", MessageIds.SAME)

    assert receipt is not None
    assert (receipt.provider_id, receipt.progress) == ("7", progress)


def test_a_failed_receipt_says_why():
    receipt = read_receipt(DeliverSm(RECEIPT, 0, WORDS % (b"UNDELIV", b"0F3")), "smpp", MessageIds.SAME)

    assert receipt is not None
    assert receipt.reason == "UNDELIV, error 0F3"


def test_optional_parameters_alone_make_a_receipt():
    tags = {Tag.RECEIPTED_MESSAGE_ID: b"abc\0", Tag.MESSAGE_STATE: b"\x05", Tag.NETWORK_ERROR_CODE: b"\x03\x00\x21"}
    receipt = read_receipt(DeliverSm(0, 0, b"", tags), "smpp", MessageIds.SAME)

    assert receipt is not None
    assert (receipt.provider_id, receipt.progress) == ("abc", DeliveryProgress.UNDELIVERED)
    assert receipt.reason == "UNDELIV, error 33"


def test_a_text_from_a_phone_is_no_receipt():
    assert read_receipt(DeliverSm(0, 0, b"id:7 stat:DELIVRD"), "smpp", MessageIds.SAME) is None


@pytest.mark.parametrize(
    ("ids", "accepted", "receipted"),
    [
        (MessageIds.SAME, "00aF", "00aF"),
        (MessageIds.HEX, "1A2B", "0000006699"),
        (MessageIds.DECIMAL, "0000006699", "1a2b"),
        (MessageIds.HEX, "not-a-number", "not-a-number"),
    ],
)
def test_an_id_in_the_other_base_is_the_same_id(ids: MessageIds, accepted: str, receipted: str):
    assert ids.accepted(accepted) == ids.receipted(receipted)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x58, GatewayThrottled),
        (0x14, GatewayThrottled),
        (0x0B, NumberRefused),
        (0x0A, TextRefused),
        (0x01, TextRefused),
        (0x08, TextDeferred),
        (0x64, TextDeferred),
        (0x401, TextDeferred),
        (0x04, GatewayUnavailable),
        (0x445, RecipientOptedOut),
    ],
)
def test_a_status_means_what_the_specification_says(status: int, expected: type[Exception]):
    with pytest.raises(expected):
        refuse(status, frozenset({0x445}))


def test_another_library_reads_the_same_receipt_that_it_wrote():
    pdu = smpp34.DeliverSm(
        "4915112345123", "Acme", b"id:9 stat:DELIVRD", esm_class=4, tlvs=[smpp34.Tlv(0x001E, b"9\0")]
    ).encode()

    read = read_deliver_sm(pdu[16:])

    assert read == DeliverSm(4, 0, b"id:9 stat:DELIVRD", {0x001E: b"9\0"})
    assert read_header(pdu[:16]).command == 5


def test_every_cut_of_a_deliver_sm_is_malformed_or_read():
    pdu = smpp34.DeliverSm("1", "2", b"id:9", esm_class=4, tlvs=[smpp34.Tlv(0x0427, b"\2")]).encode()[16:]

    for length in range(len(pdu)):
        try:
            read_deliver_sm(pdu[:length])
        except MalformedPdu:
            continue


def test_validity_is_read_by_another_library_as_it_was_meant():
    pdu = SubmitSm(short_message="x", validity_period=datetime(2026, 11, 23, 12, 30, 5, tzinfo=UTC))
    pdu.sequence_num = 1

    assert smpp34.decode(pdu.pdu()).validity_period == "261123123005000+"


@pytest.mark.parametrize(
    ("sender", "ton", "npi", "number"),
    [("+15550100", 1, 1, "15550100"), ("12345", 3, 0, "12345"), ("Acme", 5, 0, "Acme"), (None, 0, 0, "")],
)
async def test_a_senders_type_is_found(sender: str | None, ton: int, npi: int, number: str):
    source = (await read_options(parse_gateways("smpp://u:p@127.0.0.1")[0])).source(sender)

    assert (source.ton, source.npi, source.number) == (ton, npi, number)


@pytest.mark.parametrize(
    "url",
    [
        "smpp://127.0.0.1",
        "smpp://u:canary-too-long@127.0.0.1",
        "smpp://u:p@127.0.0.1?source_ton=77",
        "smpp://u:p@127.0.0.1?enquire_link=0",
        "smpp://u:p@127.0.0.1?message_ids=octal",
        "smpp://u:p@127.0.0.1?tls=maybe",
        "smpps://u:p@127.0.0.1?tls=none",
        "smpps://u:p@127.0.0.1?ca_file=/nowhere",
        "smpp://u:p@127.0.0.1?opted_out=x",
        "smpp://u:p@127.0.0.1?other=1",
    ],
)
async def test_a_url_that_cannot_be_meant_is_refused(url: str):
    with pytest.raises(ConfigurationError) as raised:
        await read_options(parse_gateways(url)[0])

    assert "canary" not in str(raised.value)

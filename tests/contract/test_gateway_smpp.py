"""What SMPP asks for beyond the suite: a session that is kept, receipts, long texts that fail half-way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.testing import eventually
from postroom_sms.errors import GatewayAnswerLost, GatewayThrottled, GatewayUnavailable, TextRefused
from postroom_sms.gateway import Accepted, DeliveryProgress, Receipt, Text
from postroom_sms.gateway.smpp import SmppGateway, link, open_smpp
from postroom_sms.gateway.smpp.statuses import QUEUE_FULL, WAITS
from postroom_sms.gateway_url import parse_gateways
from tests.support.patience import REACTION, patience
from tests.support.sms_receipts import RecordingReceiptHandler
from tests.support.sms_scripted_smsc import BIND, ENQUIRE_LINK, UNBIND, ScriptedSmsc, scripted_smsc
from tests.support.sms_smsc import Smsc, smsc_running
from tests.support.smtp import make_certificates

TEXT = Text("+4915112345123", "Hello", "job-1")
LONG = Text("+4915112345123", "long " * 70, "job-2")  # three parts


@asynccontextmanager
async def opened(
    port: int, options: str = "", receipt_handler: RecordingReceiptHandler | None = None, limit: timedelta | None = None
) -> AsyncIterator[SmppGateway]:
    [url] = parse_gateways(f"smpp://esme:canary99@127.0.0.1:{port}?system_type=test{options}")
    on_receipt = (receipt_handler or RecordingReceiptHandler()).take
    async with open_smpp(url, limit or patience(REACTION), on_receipt, give_up=lambda: None) as gateway:
        yield gateway


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with smsc_running() as smsc:
        yield smsc


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedSmsc]:
    async with scripted_smsc() as scripted:
        yield scripted


async def deliver_receipt(smsc: Smsc, words: bytes = b"id:m1 stat:DELIVRD err:000") -> int:
    answer = await smsc.sessions[-1].deliver_sm("Acme", words, source_addr="4915112345123", esm_class=4)
    return answer.command_status


async def test_many_texts_share_one_session(smsc: Smsc):
    async with opened(smsc.port) as gateway:
        await asyncio.gather(*(gateway.deliver(TEXT) for _ in range(50)))

    assert len(smsc.submitted) == 50
    assert len(smsc.sessions) == 1


async def test_a_receipt_is_stored_before_it_is_acknowledged(smsc: Smsc):
    receipt_handler = RecordingReceiptHandler()
    async with opened(smsc.port, receipt_handler=receipt_handler) as gateway:
        await gateway.deliver(TEXT)
        assert await deliver_receipt(smsc) == 0

    assert receipt_handler.receipts == [Receipt("smpp", "m1", DeliveryProgress.DELIVERED)]


async def test_a_receipt_that_cannot_be_stored_is_to_come_again(smsc: Smsc):
    receipt_handler = RecordingReceiptHandler(error=RuntimeError("the database is away"))
    async with opened(smsc.port, receipt_handler=receipt_handler) as gateway:
        await gateway.deliver(TEXT)
        refused = await deliver_receipt(smsc)
        receipt_handler.error = None
        taken = await deliver_receipt(smsc)

    assert refused != 0
    assert taken == 0
    assert len(receipt_handler.receipts) == 1


async def test_receipts_in_the_other_base_name_the_same_text(smsc: Smsc):
    receipt_handler = RecordingReceiptHandler()
    async with opened(smsc.port, "&message_ids=hex", receipt_handler) as gateway:
        await gateway.deliver(TEXT)
        await deliver_receipt(smsc, b"id:0000006699 stat:UNDELIV err:001")

    assert receipt_handler.receipts[0].provider_id == "6699"


async def test_every_part_of_a_long_text_has_its_id(smsc: Smsc):
    async with opened(smsc.port) as gateway:
        assert await gateway.deliver(LONG) == Accepted("smpp", ("m1", "m2", "m3"))

    assert all(event.registered_delivery == 1 for event in smsc.submitted)


async def test_a_later_part_that_is_throttled_is_offered_again(smsc: Smsc):
    smsc.statuses = [0, 0x58, 0, 0]
    async with opened(smsc.port) as gateway:
        await gateway.deliver(LONG)

    assert [text.content for text in smsc.texts] == [LONG.content]


@pytest.mark.parametrize(
    ("status", "expected"), [(0x08, GatewayAnswerLost), (0x14, GatewayAnswerLost), (0x01, TextRefused)]
)
async def test_a_later_part_that_fails_says_how_much_was_accepted(
    smsc: Smsc, status: int, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(WAITS, QUEUE_FULL, timedelta(hours=1))  # longer than there is time
    smsc.statuses = [0, status]
    async with opened(smsc.port) as gateway:
        with pytest.raises(expected, match="1 of 3 parts were accepted"):
            await gateway.deliver(LONG)


async def test_the_next_try_of_a_torn_text_can_be_joined_on_the_phone(smsc: Smsc):
    smsc.statuses = [0, 0x08]
    async with opened(smsc.port) as gateway:
        with pytest.raises(GatewayAnswerLost):
            await gateway.deliver(LONG)
        await gateway.deliver(LONG)

    assert [text.content for text in smsc.texts] == [LONG.content]


async def test_the_first_part_that_is_throttled_throttles_at_once(smsc: Smsc):
    smsc.statuses = [0x58]
    async with opened(smsc.port) as gateway:
        with pytest.raises(GatewayThrottled):
            await gateway.deliver(LONG)


async def test_a_lost_session_is_opened_again(smsc: Smsc):
    async with opened(smsc.port) as gateway:
        await gateway.deliver(TEXT)
        smsc.cut()
        await eventually(lambda: len(smsc.sessions) == 2)
        await gateway.deliver(TEXT)


async def test_a_session_that_the_smsc_ends_is_opened_again(smsc: Smsc):
    async with opened(smsc.port) as gateway:
        await gateway.deliver(TEXT)
        await smsc.sessions[0].unbind()
        await eventually(lambda: len(smsc.sessions) == 2)
        await gateway.deliver(TEXT)


async def test_an_smsc_that_comes_back_is_used_at_once(smsc: Smsc, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(link, "FIRST_PAUSE_SECONDS", 60.0)
    monkeypatch.setattr(link, "LONGEST_PAUSE_SECONDS", 60.0)
    await smsc.refuse()
    async with opened(smsc.port) as gateway:
        with pytest.raises(GatewayUnavailable):
            await gateway.deliver(TEXT)
        await smsc.listen()

        async def is_delivered() -> bool:
            try:
                await gateway.deliver(TEXT)
            except GatewayUnavailable:
                return False
            return True

        await eventually(is_delivered)


async def test_a_silent_smsc_is_asked_and_then_left(scripted: ScriptedSmsc):
    scripted.ignored = {ENQUIRE_LINK}
    async with opened(scripted.port, "&enquire_link=0.1", limit=timedelta(seconds=2)):
        await eventually(lambda: scripted.seen.count(BIND) >= 2)

    assert ENQUIRE_LINK in scripted.seen


async def test_an_smsc_that_answers_is_kept(scripted: ScriptedSmsc):
    async with opened(scripted.port, "&enquire_link=0.05"):
        await eventually(lambda: scripted.seen.count(ENQUIRE_LINK) >= 5)

    assert scripted.seen.count(BIND) == 1


async def test_the_end_is_an_unbind(scripted: ScriptedSmsc):
    async with opened(scripted.port) as gateway:
        await gateway.deliver(TEXT)

    assert scripted.seen[-1] == UNBIND


async def test_a_refused_bind_says_so_without_the_password(scripted: ScriptedSmsc, caplog: pytest.LogCaptureFixture):
    scripted.statuses = {BIND: 0x0E}
    async with opened(scripted.port) as gateway:
        with pytest.raises(GatewayUnavailable, match="ESME_RINVPASWD") as raised:
            await gateway.deliver(TEXT)

    assert "canary" not in str(raised.value) + caplog.text


@pytest.mark.parametrize("name", ["127.0.0.1", "smsc.example.com"])
async def test_a_certificate_is_checked(scripted: ScriptedSmsc, tmp_path: Path, name: str):
    certificates = make_certificates(tmp_path)
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0, ssl=certificates.server(name))
    port = server.sockets[0].getsockname()[1]
    try:
        [url] = parse_gateways(f"smpps://esme:canary99@127.0.0.1:{port}?ca_file={certificates.ca_file}")
        async with open_smpp(url, patience(REACTION), give_up=lambda: None) as gateway:
            if name == "127.0.0.1":
                await gateway.deliver(TEXT)
            else:
                with pytest.raises(GatewayUnavailable, match="certificate"):
                    await gateway.deliver(TEXT)
    finally:
        server.close()

"""The life of a text, with a scripted gateway and a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postroom import wire
from postroom.testing import make_delivery
from postroom.wire.errors import Expired, JobError, Postponed
from postroom.wire.messages import SendSms
from postroom.worker import ProviderContact
from postroom_sms.errors import (
    GatewayAnswerLost,
    GatewayThrottled,
    GatewayUnavailable,
    RecipientOptedOut,
    TextDeferred,
    TextParked,
    TextRefused,
    TextTooLong,
)
from postroom_sms.rate_limit import Priority
from postroom_sms.validation import TextRequest
from tests.support.sms_texts import MASKED, NUMBER, ScriptedGateway, TextSenderHarness, sender_with

REPLAYED = {wire.X_FAILED_AT: "2026-01-01T00:00:00Z"}


@pytest.fixture
def gateway() -> ScriptedGateway:
    return ScriptedGateway()


@pytest.fixture
async def sender_harness(gateway: ScriptedGateway, tmp_path: Path) -> AsyncIterator[TextSenderHarness]:
    async with sender_with(tmp_path, gateway) as sender_harness:
        yield sender_harness


@pytest.fixture
async def parking(gateway: ScriptedGateway, tmp_path: Path) -> AsyncIterator[TextSenderHarness]:
    async with sender_with(tmp_path, gateway, after_lost_answer="park") as sender_harness:
        yield sender_harness


async def test_a_text_is_sent_and_written_down(sender_harness: TextSenderHarness, gateway: ScriptedGateway):
    await sender_harness.send("Grüße", message_id="job-1")

    [text] = gateway.sent
    assert (text.to, text.content, text.reference) == (NUMBER, "Grüße", "job-1")
    row = await sender_harness.row()
    assert (row["state"], row["to_masked"], row["segments"], row["gateway"]) == ("accepted", MASKED, 1, "scripted")
    assert NUMBER not in str(row)


async def test_a_text_that_was_accepted_is_not_sent_again(sender_harness: TextSenderHarness, gateway: ScriptedGateway):
    await sender_harness.send()

    await sender_harness.send(redelivered=True)
    await sender_harness.send(headers=REPLAYED)

    assert len(gateway.sent) == 1


async def test_an_event_and_a_job_with_one_id_are_two_texts(
    sender_harness: TextSenderHarness, gateway: ScriptedGateway
):
    await sender_harness.send(message_id="7")
    await sender_harness.send(message_id="7", queue="sms.on.user.otp_requested")

    assert [text.reference for text in gateway.sent] == ["7", "7.sms.on.user.otp_requested"]


async def test_a_text_of_too_many_parts_is_not_begun(gateway: ScriptedGateway, tmp_path: Path):
    async with sender_with(tmp_path, gateway, max_segments=2) as sender_harness:
        with pytest.raises(TextTooLong, match="3 parts in GSM-7, SMS_MAX_SEGMENTS allows 2"):
            await sender_harness.send("a" * 307)

        assert (await sender_harness.rows(), gateway.asked) == ([], 0)


async def test_an_expired_text_is_not_sent(sender_harness: TextSenderHarness, gateway: ScriptedGateway):
    past, future = (datetime.now(UTC) + timedelta(seconds=seconds) for seconds in (-0.001, 60))
    for expired in (
        {"order": {"expires_at": past}},
        {"order": {"expires_at": past.replace(tzinfo=None)}},
        {"order": {"expires_at": future}, "headers": {wire.EXPIRES_AT: past.isoformat()}},
    ):
        with pytest.raises(Expired):
            await sender_harness.send(**expired)
    await sender_harness.send(order={"expires_at": future})

    assert [text.expires_at for text in gateway.sent] == [future]


async def test_a_number_that_opted_out_is_listed_and_not_sent_to_even_by_a_replay(
    sender_harness: TextSenderHarness, gateway: ScriptedGateway
):
    gateway.script = [RecipientOptedOut(f"21610 {NUMBER} has sent STOP")]
    with pytest.raises(RecipientOptedOut, match="21610"):
        await sender_harness.send()

    for again in ({"message_id": "job-2"}, {"headers": REPLAYED}):
        with pytest.raises(RecipientOptedOut, match=r"a replay does not change that.*sms_opted_out") as caught:
            await sender_harness.send(**again)
        assert NUMBER not in str(caught.value)

    assert gateway.asked == 1
    [listed] = await sender_harness.rows("sms_opted_out")
    assert (listed["number"], NUMBER in listed["reason"]) == (NUMBER, False)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (TextDeferred("later"), "waiting"),
        (GatewayUnavailable("away"), "waiting"),
        (GatewayThrottled("too many", retry_after=timedelta(seconds=3)), "waiting"),
        (TextRefused("no route"), "refused"),
    ],
)
async def test_a_text_that_was_certainly_not_sent_says_so_and_is_sent_later(
    sender_harness: TextSenderHarness, gateway: ScriptedGateway, error: Exception, state: str
):
    gateway.script = [error]
    with pytest.raises(type(error)):
        await sender_harness.send()
    assert (await sender_harness.row())["state"] == state

    await sender_harness.send(headers=REPLAYED)

    row = await sender_harness.row()
    assert (len(gateway.sent), row["state"], row["may_be_double"], row["reason"]) == (1, "accepted", 0, None)


async def test_what_a_text_tells_of_the_gateways_is_only_what_they_said(
    sender_harness: TextSenderHarness, gateway: ScriptedGateway
):
    async def tells(message_id: str, *, to: str = NUMBER, **order: Any) -> bool:
        delivery = make_delivery(SendSms(to=to, message="Hello"), queue="sms.send", message_id=message_id)
        try:
            shown = await sender_harness.text_sender.deliver(TextRequest(to, "Hello", **order), delivery, Priority.BULK)
        except JobError as error:
            return error.provider_answered
        return shown is ProviderContact.ANSWERED

    gateway.script = [
        None,
        TextDeferred("later"),
        TextRefused("no route"),
        GatewayUnavailable("away"),
        GatewayAnswerLost("?"),
    ]
    assert [await tells(name) for name in ("sent", "deferred", "refused")] == [True, True, True]
    assert [await tells(name) for name in ("away", "lost", "sent")] == [False, False, False]
    assert await tells("invalid", to="12345") is False
    assert await tells("late", expires_at=datetime.now(UTC) - timedelta(seconds=1)) is False
    assert gateway.asked == 5


async def test_after_a_lost_answer_a_text_is_sent_again_and_marked(
    sender_harness: TextSenderHarness, gateway: ScriptedGateway
):
    gateway.script = [GatewayAnswerLost("timed out")]
    with pytest.raises(GatewayAnswerLost):
        await sender_harness.send()
    assert (await sender_harness.row())["state"] == "uncertain"

    await sender_harness.send(headers={wire.X_ATTEMPT: 1})

    row = await sender_harness.row()
    assert (len(gateway.sent), row["state"], row["may_be_double"]) == (1, "accepted", 1)


async def test_after_a_lost_answer_a_text_is_parked_and_a_replay_sends_it(
    parking: TextSenderHarness, gateway: ScriptedGateway
):
    gateway.script = [GatewayAnswerLost("timed out")]
    with pytest.raises(TextParked, match=r"^timed out; it may have been sent: .* replay"):
        await parking.send()
    with pytest.raises(TextParked):  # the process died before the dead letter was stored
        await parking.send(redelivered=True)
    assert (gateway.asked, (await parking.row())["state"]) == (1, "uncertain")

    gateway.script = [GatewayUnavailable("away")]
    with pytest.raises(GatewayUnavailable):
        await parking.send(headers=REPLAYED)
    await parking.send(headers=REPLAYED)

    assert len(gateway.sent) == 1
    assert (await parking.row())["may_be_double"] == 1


async def test_a_second_lost_answer_is_parked_again(parking: TextSenderHarness, gateway: ScriptedGateway):
    gateway.script = [GatewayAnswerLost("timed out")] * 2
    for headers in ({}, REPLAYED, {wire.X_REPLAYS: 1, wire.X_ATTEMPT: 1}):
        with pytest.raises(TextParked):
            await parking.send(headers=headers)

    assert gateway.asked == 2


async def test_a_gateway_that_knows_references_is_asked_again_and_no_other(tmp_path: Path):
    first, second = ScriptedGateway("first", knows_references=True), ScriptedGateway("second")
    async with sender_with(tmp_path, first, second, after_lost_answer="park") as sender_harness:
        first.script = [GatewayAnswerLost("timed out"), GatewayUnavailable("away")]
        with pytest.raises(GatewayAnswerLost):
            await sender_harness.send()
        with pytest.raises(Postponed, match="first is away, and may have this text"):
            await sender_harness.send(headers={wire.X_ATTEMPT: 1})
        await sender_harness.send(headers={wire.X_ATTEMPT: 1})

        assert (len(first.sent), second.asked, (await sender_harness.row())["may_be_double"]) == (1, 0, 0)


async def test_a_process_that_died_while_sending_leaves_a_lost_answer(
    parking: TextSenderHarness, gateway: ScriptedGateway
):
    gateway.script = [asyncio.CancelledError()]  # type: ignore[list-item] # as good as a kill: nothing is written down
    with pytest.raises(asyncio.CancelledError):
        await parking.send()
    assert (await parking.row())["state"] == "sending"

    with pytest.raises(TextParked):
        await parking.send(redelivered=True)

    assert gateway.asked == 1


@pytest.mark.parametrize("error", [TextRefused, GatewayAnswerLost, GatewayUnavailable, KeyError])
async def test_no_error_repeats_number_or_text(
    sender_harness: TextSenderHarness, gateway: ScriptedGateway, error: type[Exception]
):
    gateway.script = [error(f"{NUMBER} cannot get 'Your code is 482913.' (482913, to {NUMBER[1:]})")]

    with pytest.raises(error) as caught:
        await sender_harness.send("Your code is 482913.", order={"secret": "482913"})

    for told in (str(caught.value), str(await sender_harness.row())):
        assert not any(secret in told for secret in (NUMBER[1:], "482913"))


async def test_a_message_without_an_id_is_one_text(sender_harness: TextSenderHarness, gateway: ScriptedGateway):
    gateway.script = [TextDeferred("later")]
    with pytest.raises(TextDeferred):
        await sender_harness.send(message_id=None, received_at=1.0)
    await sender_harness.send(message_id=None, received_at=1.0)
    await sender_harness.send(message_id=None, received_at=1.0)
    await sender_harness.send(message_id=None, received_at=2.0)

    assert len(gateway.sent) == 2

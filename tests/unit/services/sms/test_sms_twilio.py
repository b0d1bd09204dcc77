"""Twilio: what is sent, and what its codes mean."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from postroom.wire.errors import ConfigurationError
from postroom_sms.errors import (
    GatewayAnswerLost,
    GatewayThrottled,
    GatewayUnavailable,
    NumberRefused,
    RecipientOptedOut,
    TextDeferred,
    TextRefused,
)
from postroom_sms.gateway import Text
from postroom_sms.gateway.twilio import open_twilio
from postroom_sms.gateway_url import parse_gateways
from tests.support.sms_providers import CANARY, SID, Provider, Trouble, serving, twilio_stand_in

TEXT = Text("+4915112345123", "Hello", "job-1")
SECOND = timedelta(seconds=1)


async def send(provider: Provider, text: Text = TEXT, *, options: str = "from=+15550100", login: str = ""):
    async with serving(provider):
        [url] = parse_gateways(f"twilio://{login or f'{SID}:{CANARY}'}@/?{options}&api_base={provider.url}")
        async with open_twilio(url, SECOND) as gateway:
            return await gateway.deliver(text)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 21610, RecipientOptedOut),
        (400, 21211, NumberRefused),
        (400, 21612, NumberRefused),
        (400, 21614, NumberRefused),
        (400, 30007, TextRefused),
        (400, 21617, TextRefused),
        (400, 99999, TextRefused),
        (403, None, TextRefused),
        (401, 20003, GatewayUnavailable),
        (401, None, GatewayUnavailable),
        (403, 20003, GatewayUnavailable),
        (404, 20404, GatewayUnavailable),
        (503, 20503, GatewayUnavailable),
        (503, None, GatewayUnavailable),
        (307, None, GatewayUnavailable),
        (500, 20500, GatewayAnswerLost),
        (502, None, GatewayAnswerLost),
        (504, None, GatewayAnswerLost),
        (408, None, TextDeferred),
        (429, 20429, GatewayThrottled),
        (429, None, GatewayThrottled),
        (400, 14107, GatewayThrottled),
        (201, None, GatewayAnswerLost),
    ],
)
async def test_an_answer_means_what_its_code_says(status: int, code: int | None, expected: type[Exception]):
    provider = twilio_stand_in()
    headers = {"Location": "/elsewhere"} if status == 307 else {}
    provider.answers.append((status, headers, {"code": code, "message": "Words"} if code else {}))

    with pytest.raises(expected) as raised:
        await send(provider)

    assert type(raised.value) is expected
    assert provider.requests == 1


async def test_a_message_that_failed_at_once_is_read_by_its_code():
    provider = twilio_stand_in()
    provider.answers.append((201, {}, {"sid": "SM1", "status": "failed", "error_code": 21610}))

    with pytest.raises(RecipientOptedOut):
        await send(provider)


@pytest.mark.parametrize("body", [[], "text", {"sid": 5}, {"sid": ""}, {"sid": None}])
async def test_an_answer_without_an_id_is_a_lost_answer(body: object):
    provider = twilio_stand_in()
    provider.answers.append((201, {}, body))

    with pytest.raises(GatewayAnswerLost):
        await send(provider)


@pytest.mark.parametrize(
    ("header", "seconds"), [("90", 90), (None, 1), ("soon", 1), ("0", 1), ("in a date", 60), ("-5", 1)]
)
async def test_the_wait_is_read_in_both_forms(header: str | None, seconds: float):
    if header == "in a date":
        header = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    provider = twilio_stand_in()
    provider.answers.append((429, {"Retry-After": header} if header else {}, {"code": 20429}))

    with pytest.raises(GatewayThrottled) as raised:
        await send(provider)

    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == pytest.approx(seconds, abs=3 if seconds == 60 else 0)


async def test_an_answer_without_end_is_a_lost_answer():
    provider = twilio_stand_in()
    provider.trouble = Trouble.STREAMS

    with pytest.raises(GatewayAnswerLost, match="more than 65536 bytes"):
        await send(provider)


async def test_a_wrong_token_is_the_gateways_trouble_and_is_not_repeated():
    with pytest.raises(GatewayUnavailable) as raised:
        await send(twilio_stand_in(), login=f"{SID}:wrong-secret")

    assert "wrong-secret" not in str(raised.value)


async def test_a_messaging_service_a_callback_and_an_expiry_are_passed_on():
    provider = twilio_stand_in()
    text = Text(TEXT.to, TEXT.content, "job-1", expires_at=datetime.now(UTC) + timedelta(seconds=120))

    await send(provider, text, options="from=MG123&status_callback=https://sms.example.com/receipts/twilio")

    [form] = provider.forms
    assert form["MessagingServiceSid"] == "MG123"
    assert "From" not in form
    assert form["StatusCallback"] == "https://sms.example.com/receipts/twilio"
    assert 117 <= int(form["ValidityPeriod"]) <= 120


@pytest.mark.parametrize(("left", "sent"), [(-5, "1"), (86_400, "36000")])
async def test_an_expiry_stays_within_what_twilio_takes(left: int, sent: str):
    provider = twilio_stand_in()

    await send(provider, Text(TEXT.to, "x", "1", expires_at=datetime.now(UTC) + timedelta(seconds=left)))

    assert provider.forms[0]["ValidityPeriod"] == sent


@pytest.mark.parametrize(
    "url",
    [
        "twilio://SID@/?from=+1",
        "twilio://SID:canary@/",
        "twilio://SID:canary@/?from=+1&form=x",
        "twilio://SID:canary@/?from=+1&api_base=ftp://x",
    ],
)
async def test_a_url_that_lacks_something_says_what(url: str):
    with pytest.raises(ConfigurationError) as raised:
        async with open_twilio(parse_gateways(url)[0], SECOND):
            pass

    assert "canary" not in str(raised.value)

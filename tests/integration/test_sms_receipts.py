"""The receipt server over real HTTP: who is believed, what is stored, and what the provider is answered."""

import base64
import hmac
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from postroom.wire.errors import ConfigurationError
from postroom_sms.gateway import DeliveryProgress, Receipt
from postroom_sms.receipts import HttpReceipts, ReceiptServerOptions, open_receipts
from postroom_sms.receipts.twilio import sign
from tests.support.http import http_client
from tests.support.sms_receipts import AMAZON, TOPIC, RecordingReceiptHandler, SnsSigner

TOKEN, KEY = SecretStr("canary-token"), SecretStr("canary-key")
PUBLIC = "https://sms.example.com/in"
SETTINGS = ReceiptServerOptions(
    public_url=PUBLIC,
    twilio_tokens=(TOKEN,),
    sns_topics=frozenset({TOPIC}),
    http=HttpReceipts(secrets=(KEY,), id_field="data.id", status_field="data.status"),
)
DELIVERED = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+4915112345123"}


class ReceiptServer:
    """A running server, what it stored, and a client to post with."""

    def __init__(self, client: httpx.AsyncClient, receipt_handler: RecordingReceiptHandler, signer: SnsSigner) -> None:
        self.client, self.receipt_handler, self.signer = client, receipt_handler, signer

    async def twilio(self, form: Mapping[str, str], *, query: str = "", token: SecretStr = TOKEN) -> int:
        path = f"/receipts/twilio{query}"
        signature = sign(PUBLIC + path, {name: [value] for name, value in form.items()}, token)
        answer = await self.client.post(path, data=form, headers={"X-Twilio-Signature": signature})
        return answer.status_code

    async def sns(self, notice: Mapping[str, Any]) -> int:
        headers = {"Content-Type": "text/plain; charset=UTF-8"}  # as SNS has it
        answer = await self.client.post("/receipts/sns", content=json.dumps(notice), headers=headers)
        return answer.status_code

    async def http(self, body: bytes, *, key: SecretStr = KEY, kind: str = "application/json") -> int:
        signature = hmac.digest(key.get_secret_value().encode(), body, "sha256").hex()
        headers = {"Content-Type": kind, "X-Signature": signature}
        return (await self.client.post("/receipts/http", content=body, headers=headers)).status_code


@asynccontextmanager
async def opened(settings: ReceiptServerOptions = SETTINGS) -> AsyncIterator[ReceiptServer]:
    receipt_handler, signer = RecordingReceiptHandler(), SnsSigner()
    async with (
        open_receipts(settings, receipt_handler, signer.fetch) as server,
        http_client(base_url=server.url) as client,
    ):
        yield ReceiptServer(client, receipt_handler, signer)


@pytest.fixture
async def receipt_server() -> AsyncIterator[ReceiptServer]:
    async with opened() as receipt_server:
        yield receipt_server


async def test_a_delivered_text_is_stored(receipt_server: ReceiptServer):
    assert await receipt_server.twilio(DELIVERED) == 204
    assert receipt_server.receipt_handler.receipts == [Receipt("twilio", "SM1", DeliveryProgress.DELIVERED)]


async def test_an_undelivered_text_is_stored_with_twilios_code(receipt_server: ReceiptServer):
    await receipt_server.twilio(
        {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30005"}, query="?a=b"
    )

    assert receipt_server.receipt_handler.receipts == [
        Receipt("twilio", "SM1", DeliveryProgress.UNDELIVERED, "undelivered, error 30005")
    ]


@pytest.mark.parametrize("status", ["accepted", "queued", "sending", "sent"])
async def test_what_is_still_on_its_way_is_no_end(receipt_server: ReceiptServer, status: str):
    await receipt_server.twilio({"MessageSid": "SM1", "MessageStatus": status})

    assert receipt_server.receipt_handler.receipts == [Receipt("twilio", "SM1", DeliveryProgress.ACCEPTED)]


async def test_a_wrong_signature_stores_nothing(receipt_server: ReceiptServer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)

    assert await receipt_server.twilio(DELIVERED, token=SecretStr("another")) == 403
    assert await receipt_server.http(b'{"data": {"id": "1", "status": "delivered"}}', key=SecretStr("another")) == 403
    assert await receipt_server.sns(receipt_server.signer.notification("{}") | {"Message": "changed"}) == 403
    assert (await receipt_server.client.post("/receipts/twilio", data=DELIVERED)).status_code == 403

    assert receipt_server.receipt_handler.receipts == []
    assert "15112345123" not in caplog.text
    assert "canary" not in caplog.text


async def test_an_sms_event_of_amazons_is_stored(receipt_server: ReceiptServer):
    event = {"eventType": "TEXT_DELIVERED", "messageId": "m-1", "destinationPhoneNumber": "+4915112345123"}
    failed = {"eventType": "TEXT_CARRIER_UNREACHABLE", "messageId": "m-2", "messageStatusDescription": "Phone is off"}

    assert await receipt_server.sns(receipt_server.signer.notification(event)) == 204
    assert await receipt_server.sns(receipt_server.signer.notification(failed, version="1")) == 204

    assert receipt_server.receipt_handler.receipts == [
        Receipt("sns", "m-1", DeliveryProgress.DELIVERED),
        Receipt("sns", "m-2", DeliveryProgress.UNDELIVERED, "TEXT_CARRIER_UNREACHABLE: Phone is off"),
    ]


async def test_a_delivery_log_of_sns_is_stored(receipt_server: ReceiptServer):
    said = {"destination": "+4915112345123", "providerResponse": "Blocked: +4915112345123"}
    await receipt_server.sns(
        receipt_server.signer.notification(
            {"notification": {"messageId": "m-1"}, "delivery": said, "status": "FAILURE"}
        )
    )

    [receipt] = receipt_server.receipt_handler.receipts
    assert (receipt.provider_id, receipt.progress) == ("m-1", DeliveryProgress.UNDELIVERED)
    assert receipt.reason == "FAILURE: Blocked: +49•••••123"


async def test_the_subscription_of_an_allowed_topic_is_confirmed(receipt_server: ReceiptServer):
    assert await receipt_server.sns(receipt_server.signer.subscription()) == 204
    assert receipt_server.signer.fetched[-1] == f"{AMAZON}/?Action=ConfirmSubscription"


@pytest.mark.parametrize(
    "changes", [{"topic": "arn:aws:sns:eu-central-1:1:other"}, {"url": "https://evil.example/?Action=Confirm"}]
)
async def test_no_other_subscription_is_confirmed(receipt_server: ReceiptServer, changes: dict[str, str]):
    assert await receipt_server.sns(receipt_server.signer.subscription(**changes)) == 403
    assert all(url.endswith(".pem") for url in receipt_server.signer.fetched)


async def test_a_certificate_that_cannot_be_fetched_now_is_no_forgery(receipt_server: ReceiptServer):
    receipt_server.signer.is_away = True

    assert (
        await receipt_server.sns(receipt_server.signer.notification({"eventType": "TEXT_DELIVERED", "messageId": "1"}))
        == 503
    )


async def test_the_plain_provider_may_send_json_or_a_form(receipt_server: ReceiptServer):
    assert await receipt_server.http(b'{"data": {"id": 7, "status": "Delivered"}}') == 204
    form = b"data.id=8&data.status=failed&reason=off"
    assert await receipt_server.http(form, kind="application/x-www-form-urlencoded") == 204

    assert receipt_server.receipt_handler.receipts == [
        Receipt("http", "7", DeliveryProgress.DELIVERED, "Delivered"),
        Receipt("http", "8", DeliveryProgress.UNDELIVERED, "failed: off"),
    ]


async def test_the_plain_provider_may_sign_by_the_standard():
    secret = "whsec_" + base64.b64encode(b"0" * 24).decode()
    body = b'{"id": "1", "status": "delivered"}'
    async with opened(replace(SETTINGS, http=HttpReceipts(secrets=(SecretStr(secret),)))) as receipt_server:
        headers = _standard_headers(secret, body)
        answer = await receipt_server.client.post("/receipts/http", content=body, headers=headers)
        changed = await receipt_server.client.post("/receipts/http", content=body + b" ", headers=headers)

    assert (answer.status_code, changed.status_code) == (204, 403)
    assert len(receipt_server.receipt_handler.receipts) == 1


def _standard_headers(secret: str, body: bytes) -> dict[str, str]:

    now = datetime.now(UTC)
    signature = Webhook(secret).sign("msg-1", now, body.decode())
    stamp = {"webhook-id": "msg-1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    return {**stamp, "Content-Type": "application/json"}


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"data": {"id": "1"}}', b'{"data": 5}', b"\xff", b"[" * 60_000])
async def test_a_signed_body_that_is_no_receipt_is_refused_for_good(receipt_server: ReceiptServer, body: bytes):
    assert await receipt_server.http(body) == 400


async def test_a_body_over_64_kib_is_refused(receipt_server: ReceiptServer):
    assert await receipt_server.http(b" " * (64 * 1024 + 1)) == 413


async def test_a_desk_that_fails_makes_the_provider_come_again(
    receipt_server: ReceiptServer, caplog: pytest.LogCaptureFixture
):
    receipt_server.receipt_handler.error = RuntimeError("the database is away, password=canary")
    assert await receipt_server.twilio(DELIVERED) == 503
    assert "canary" not in caplog.text

    receipt_server.receipt_handler.error = None
    assert await receipt_server.twilio(DELIVERED) == 204


async def test_what_is_not_set_up_is_not_there():
    async with opened(ReceiptServerOptions()) as receipt_server:
        for path in ("twilio", "sns", "http", "other"):
            assert (await receipt_server.client.post(f"/receipts/{path}")).status_code == 404


async def test_twilio_needs_the_public_url():
    with pytest.raises(ConfigurationError, match="public URL"):
        async with opened(replace(SETTINGS, public_url=None)):
            pass


async def test_a_port_that_is_taken_is_said():
    async with opened() as receipt_server:
        port = receipt_server.client.base_url.port
        with pytest.raises(ConfigurationError, match=str(port)):
            async with opened(replace(SETTINGS, port=port)):
                pass

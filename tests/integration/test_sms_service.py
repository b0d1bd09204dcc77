"""The whole SMS service on a real RabbitMQ, with a real provider over HTTP."""

import asyncio
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from postroom import wire
from postroom.runtime.serving import ServiceRunner
from postroom.testing import eventually, running_service
from postroom_sms.handlers import worker
from postroom_sms.rate_limit import BURST_SECONDS
from postroom_sms.receipts import open_receipts
from postroom_sms.receipts.server import ReceiptServer
from postroom_sms.service import service as sms_service
from tests.support.brokers import VirtualHost
from tests.support.http import http_client
from tests.support.patience import WORK
from tests.support.sms_provider import Provider
from tests.support.worker import WorkerVhost, publish, take_all

NUMBER = "+4915112345678"
OTP_QUEUE = "sms.on.user.otp_requested"


class SmsHarness:
    """The service's surroundings: broker, provider, environment."""

    def __init__(self, worker_vhost: WorkerVhost, channel: AbstractChannel, data: Path) -> None:
        self._station = worker_vhost
        self._data = data
        self.channel = channel

    def running(self, **settings: Any) -> AbstractAsyncContextManager[ServiceRunner]:
        return running_service(sms_service, self._station.settings(self._data, **settings))

    async def send(self, message: str = "Hello", to: str = NUMBER, **properties: Any) -> None:
        await publish(self.channel, wire.JOBS, "sms.send", {"to": to, "message": message}, **properties)

    async def ask_for_code(self, code: str, expires_in: float = 3600, phone: str = NUMBER, **properties: Any) -> None:
        expires_at = (datetime.now(UTC) + timedelta(seconds=expires_in)).isoformat()
        body = {"id": 7, "phone": phone, "code": code, "expires_at": expires_at}
        await publish(self.channel, wire.EVENTS, "user.otp_requested", body, **properties)

    async def dead(self, queue: str = "sms.send", count: int = 1) -> list[dict[str, Any]]:
        letters: list[dict[str, Any]] = []

        async def check() -> bool:
            letters.extend(dict(letter.headers) for letter in await take_all(self.channel, f"{queue}.dead"))
            return len(letters) >= count

        await eventually(check)
        return letters


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Provider]:
    async with Provider().serving() as provider:
        monkeypatch.setenv("SMS_GATEWAY_URL", provider.url)
        monkeypatch.setenv("SMS_HTTP_ID_FIELD", "message.id")
        monkeypatch.setenv("SMS_HTTP_SUCCESS_FIELD", "status")
        monkeypatch.setenv("SMS_HTTP_SUCCESS_VALUES", "queued")
        monkeypatch.setenv("SMS_HTTP_OPTED_OUT_VALUES", "stopped")
        monkeypatch.setenv("SMS_HTTP_REFERENCE_FIELD", "ref")
        monkeypatch.setenv("SMS_HTTP_AUTH_HEADER", "Authorization: Bearer canary-token")
        yield provider


@pytest.fixture
async def sms_harness(vhost: VirtualHost, tmp_path: Path) -> AsyncIterator[SmsHarness]:
    worker_vhost = WorkerVhost(vhost)
    worker_vhost.apply(worker)
    connection = await aio_pika.connect(vhost.amqp_url)
    async with connection:
        yield SmsHarness(worker_vhost, await connection.channel(), tmp_path)


async def test_a_job_and_a_code_become_texts(
    sms_harness: SmsHarness, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SMS_REGION", "DE")
    monkeypatch.setenv("SMS_SENDER", "Shop")
    async with sms_harness.running():
        await sms_harness.send("Grüße 😀", to="0151 1234 5678", message_id="job-1")
        await eventually(lambda: len(provider.texts) == 1)
        await sms_harness.ask_for_code("482913", message_id="event-1")
        await eventually(lambda: len(provider.texts) == 2)

    assert provider.texts == [
        {"to": NUMBER, "text": "Grüße 😀", "from": "Shop", "ref": "job-1"},
        {"to": NUMBER, "text": "Your code is 482913.", "from": "Shop", "ref": f"event-1.{OTP_QUEUE}"},
    ]
    assert provider.headers[0]["Authorization"] == "Bearer canary-token"


@pytest.fixture
def receipts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Has the service take receipts on a free port; where, stands in the list once it does."""
    urls: list[str] = []

    @asynccontextmanager
    async def opened(*arguments: Any) -> AsyncIterator[ReceiptServer]:
        async with open_receipts(*arguments) as server:
            urls.append(server.url)
            yield server

    monkeypatch.setattr("postroom_sms.receipts.open_receipts", opened)
    monkeypatch.setenv("SMS_RECEIPTS_PORT", "0")
    return urls


async def test_a_receipt_becomes_an_event(
    sms_harness: SmsHarness, provider: Provider, monkeypatch: pytest.MonkeyPatch, receipts: list[str]
):
    monkeypatch.setenv("SMS_RECEIPTS_HTTP_SECRETS", "canary-key")
    events = await sms_harness.channel.declare_queue("heard", durable=True, arguments={"x-queue-type": "quorum"})
    await events.bind(wire.EVENTS, "sms.*")

    async with (
        sms_harness.running(),
        http_client(base_url=receipts[0]) as far_side,
    ):
        await sms_harness.send(message_id="job-1")
        await sms_harness.send(message_id="job-2")
        await eventually(lambda: len(provider.texts) == 2)
        ids = {text["ref"]: f"p-{number}" for number, text in enumerate(provider.texts, start=1)}
        for job, status in (("job-1", "delivered"), ("job-2", "rejected"), ("job-1", "delivered")):
            receipt = json.dumps({"id": ids[job], "status": status, "reason": "blocked"}).encode()
            signature = hmac.digest(b"canary-key", receipt, "sha256").hex()
            headers = {"Content-Type": "application/json", "X-Signature": signature}
            answer = await far_side.post("/receipts/http", content=receipt, headers=headers)
            assert answer.is_success, answer.text

        heard: dict[str, Any] = {}

        async def told() -> bool:
            for message in await take_all(sms_harness.channel, "heard"):
                heard[message.routing_key] = json.loads(message.body)
            return len(heard) == 2

        await eventually(told)

    assert heard["sms.delivered"]["id"] == "job-1"
    assert heard["sms.undelivered"]["id"] == "job-2"
    assert "blocked" in heard["sms.undelivered"]["reason"]
    assert NUMBER not in json.dumps(heard)


async def test_the_first_gateway_is_used_again_once_it_is_back_without_a_restart(
    sms_harness: SmsHarness, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    first = Provider()
    async with first.serving():
        pass  # now its port is known, and nobody listens there
    monkeypatch.setenv("SMS_GATEWAY_URL", f"{first.url},{provider.url}")
    async with sms_harness.running():
        await sms_harness.send(message_id="a")
        await eventually(lambda: len(provider.texts) == 1)
        async with first.serving():

            async def first_sends() -> bool:
                await sms_harness.send()
                return len(first.texts) > 0

            await eventually(first_sends)


async def test_throttled_all_wait_as_long_as_the_provider_says(sms_harness: SmsHarness, provider: Provider):
    provider.answers = [(429, {}, {"Retry-After": "3"})]
    async with sms_harness.running():
        await sms_harness.send(message_id="first", headers={wire.ATTEMPTS: 1})
        await eventually(lambda: len(provider.times) == 1)
        for number in range(20):
            await sms_harness.send(message_id=f"n{number}")
        await sms_harness.ask_for_code("482913")
        await eventually(lambda: len(provider.texts) == 22)

    assert provider.times[1] - provider.times[0] >= 2.9


async def test_an_expired_code_is_not_sent_to_the_second(sms_harness: SmsHarness, provider: Provider):
    provider.answers = [(429, {}, {"Retry-After": "3"})]
    async with sms_harness.running():
        await sms_harness.ask_for_code("111111", expires_in=2, message_id="late")
        await sms_harness.ask_for_code("222222", message_id="in time")
        await eventually(lambda: len(provider.texts) == 1)
        [letter] = await sms_harness.dead(OTP_QUEUE)

    assert letter[wire.X_ERROR_TYPE] == "Expired"
    assert "222222" in provider.texts[0]["text"]


@pytest.mark.parametrize(("choice", "error"), [("park", "TextParked"), ("resend", None)])
async def test_after_a_lost_answer_the_setting_decides(
    sms_harness: SmsHarness, provider: Provider, monkeypatch: pytest.MonkeyPatch, choice: str, error: str | None
):
    monkeypatch.setenv("SMS_AFTER_LOST_ANSWER", choice)
    provider.answers = [(500, {}, {})]
    async with sms_harness.running():
        await sms_harness.send(message_id="job-1")
        if error:
            [letter] = await sms_harness.dead()
            assert letter[wire.X_ERROR_TYPE] == error
            headers = {wire.X_FAILED_AT: letter[wire.X_FAILED_AT]}
            await sms_harness.send(message_id="job-1", headers=headers)  # as a replay does
        await eventually(lambda: len(provider.texts) == 1)


async def test_numbers_and_texts_never_stand_whole_in_logs_or_dead_letters(
    sms_harness: SmsHarness, provider: Provider, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    for ours in ("postroom_sms", "postroom"):
        caplog.set_level(logging.DEBUG, ours)
    leaking = {"status": f"no route to {NUMBER}: Your code is 482913."}
    provider.answers = [(400, leaking, {}), (200, {"status": "stopped"}, {}), (400, leaking, {})]
    async with sms_harness.running():
        letters = []
        for _ in range(3):  # refused, opted out, on the list
            await sms_harness.send("Your code is 482913.")
            letters += await sms_harness.dead()
        await sms_harness.ask_for_code("482913", phone="+4915187654321")
        letters += await sms_harness.dead(OTP_QUEUE)
        for body in (
            {"to": NUMBER + "99999", "message": "482913"},
            {"to": [NUMBER], "message": "482913"},
            {"to": NUMBER, "message": ["482913"], "sender": NUMBER},
            {"to": NUMBER, "message": "482913" * 1000},
            {"to": NUMBER, "message": "482913", "sender": "4915112345678"},
        ):
            await publish(sms_harness.channel, wire.JOBS, "sms.send", body)
        letters += await sms_harness.dead(count=5)
        await publish(sms_harness.channel, wire.EVENTS, "user.otp_requested", {"phone": NUMBER, "code": 482913})
        letters += await sms_harness.dead(OTP_QUEUE)

    told = json.dumps(letters, default=str, ensure_ascii=False) + caplog.text
    for secret in (NUMBER, NUMBER[1:], "5112345678", "5187654321", "482913", "canary-token"):
        assert secret not in told
    assert "+49•••••678" in told


@pytest.mark.parametrize("replicas", [1, 2])
async def test_no_more_than_fifty_texts_a_second_leave_all_processes_together(
    sms_harness: SmsHarness, provider: Provider, monkeypatch: pytest.MonkeyPatch, replicas: int
):
    monkeypatch.setenv("SMS_PER_SECOND", "50")
    async with AsyncExitStack() as stack:
        services = [await stack.enter_async_context(sms_harness.running()) for _ in range(replicas)]
        await eventually(lambda: [_replicas(service) for service in services] == [replicas] * replicas)
        began = time.monotonic()  # a text that arrives late after its turn makes the others no earlier than this
        await asyncio.gather(*(sms_harness.send(str(number)) for number in range(200)))
        await eventually(lambda: len(provider.texts) == 200, within=WORK)

    assert sorted(int(text["text"]) for text in provider.texts) == list(range(200))
    for count, at in enumerate(sorted(provider.times), start=1):
        # Each process may begin with one, and catch up what it did not use of the last tenth of a second.
        assert at - began >= (count - replicas) / 50 - BURST_SECONDS


async def test_a_code_overtakes_the_newsletters_that_wait(
    sms_harness: SmsHarness, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SMS_PER_SECOND", "5")
    await asyncio.gather(*(sms_harness.send("newsletter") for _ in range(500)))
    async with sms_harness.running(drain_seconds=0.1):
        await eventually(lambda: provider.texts)
        for code in ("111111", "222222", "333333"):
            before = len(provider.texts)
            await sms_harness.ask_for_code(code)
            await eventually(lambda code=code: any(code in text["text"] for text in provider.texts))  # type: ignore[misc]
            overtaken_by = [text["text"] for text in provider.texts[before:]].index(f"Your code is {code}.")
            # In its turn it would come after the hundred that are in work already: 20 s. What leaves before it, leaves
            # while it is on its way.
            assert overtaken_by < 50


def _replicas(service: ServiceRunner) -> int:
    assert service.assemblies[0].inbox is not None
    return service.assemblies[0].inbox.liveness.count()

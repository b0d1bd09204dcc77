"""The webhook service on a real broker, with real receivers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from standardwebhooks import Webhook

from postroom import wire
from postroom.devkit.broker_node import BrokerNode
from postroom.testing import eventually, running_service
from postroom_webhook.handlers import worker
from postroom_webhook.service import service as webhook_service
from tests.support.patience import WORK
from tests.support.webhook_receivers import Receiver, answering, receiver, silent
from tests.support.worker import publish, take_all, worker_vhost_on

OLD, NEW = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8


@pytest.fixture
async def post(broker: BrokerNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("WEBHOOK_SECRETS", f"shop={OLD},shop={NEW}")
    monkeypatch.setenv("WEBHOOK_TIMEOUT_SECONDS", "60")
    with worker_vhost_on(broker) as worker_vhost:
        worker_vhost.apply(worker)
        connection = await aio_pika.connect(worker_vhost.vhost.amqp_url)
        async with connection, running_service(webhook_service, worker_vhost.settings(tmp_path)):
            yield await connection.channel()


async def deliver(channel: Any, far: Receiver, message_id: str, **fields: Any) -> None:
    body = {"url": far.url, "body": {"id": message_id}, **fields}
    await publish(channel, wire.JOBS, "webhook.deliver", body, message_id=message_id)


async def dead_letter(channel: Any, kind: str = "webhook.deliver") -> Any:
    async def taken() -> Any:
        return await take_all(channel, wire.dead_queue(kind))

    return (await eventually(taken))[0].headers


async def test_a_receiver_verifies_the_signature_with_either_secret(post: Any) -> None:
    async with receiver() as far:
        await deliver(post, far, "order-1", secret_name="shop")
        await eventually(lambda: far.requests)

    [request] = far.requests
    assert request.headers["webhook-id"] == "order-1"
    for secret in (OLD, NEW):
        assert Webhook(secret).verify(request.body, request.headers) == {"id": "order-1"}


async def test_a_failure_is_retried_after_retry_after_and_then_done(post: Any) -> None:
    async with receiver() as far:
        far.script += [answering(503), answering(429, Retry_After="3")]
        began = time.monotonic()
        await deliver(post, far, "again")
        await eventually(lambda: len(far.requests) == 3)

    assert time.monotonic() - began >= 2 + 3
    assert {request.headers["webhook-id"] for request in far.requests} == {"again"}


async def test_a_receiver_that_wants_no_more_is_called_once(post: Any) -> None:
    async with receiver(answering(410)) as far:
        await deliver(post, far, "gone")
        headers = await dead_letter(post)

    assert headers["x-error-type"] == "ReceiverGone"
    assert "wants no more" in headers["x-error"]
    assert "secret-query" not in headers["x-error"]
    assert len(far.requests) == 1


async def test_an_unknown_secret_is_a_dead_letter_that_names_it(post: Any) -> None:
    async with receiver() as far:
        await deliver(post, far, "unsigned", secret_name="nobody's")
        headers = await dead_letter(post)

    assert headers["x-error-type"] == "UnknownSecret"
    assert far.requests == []


async def test_a_slow_receiver_does_not_hold_up_another(post: Any) -> None:
    # The slow one answers nothing at all: whatever waited for it would not arrive.
    async with receiver(silent) as slow, receiver() as quick:

        async def arrive(tag: str) -> None:
            names = {f"{tag}-{n}" for n in range(20)}
            for name in names:
                await deliver(post, quick, name)
            await eventually(lambda: names <= {json.loads(one.body)["id"] for one in quick.requests}, within=WORK)

        await asyncio.gather(*(deliver(post, slow, f"slow-{n}") for n in range(500)))
        await arrive("behind")  # 500 are put aside first
        await eventually(lambda: len(slow.requests) == 10)
        await arrive("beside")
        assert (slow.most_open, slow.open_now) == (10, 10)
        assert len(quick.requests) == 40


async def test_a_sync_publishes_changed_items_once_and_goes_on_at_the_page_that_failed(post: Any) -> None:
    queue = await post.declare_queue("heard", durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(wire.EVENTS, "customers.changed")

    def page(*names: str, after: str | None = None) -> Any:
        rows = [{"id": n, "name": name} for n, name in enumerate(names)]
        return answering(body=json.dumps({"rows": rows, "next": after}).encode())

    async with receiver() as far:
        rows = {"url": far.url, "name": "customers", "items": "rows", "next": "next"}
        second = answering(body=b'{"rows": [{"id": 9, "name": "Zoe"}], "next": null}')
        far.script += [page("Ada", "Bob", after="/two"), answering(500), second]
        await publish(post, wire.JOBS, "webhook.sync", rows, message_id="sync-1")
        await eventually(lambda: len(far.requests) == 3)
        heard: list[Any] = []

        async def told(count: int) -> bool:
            heard.extend(await take_all(post, "heard"))
            return len(heard) == count

        await eventually(lambda: told(3))
        far.script += [page("Ada", "Bobby", after="/two"), second, page("Ada", "Bob", after="/two"), second]
        await publish(post, wire.JOBS, "webhook.sync", rows, message_id="sync-2")
        await eventually(lambda: told(4))
        await eventually(lambda: len(far.requests) == 5)  # its last page, too: two at once would mix up the script
        await publish(post, wire.JOBS, "webhook.sync", rows, message_id="sync-3")
        await eventually(lambda: told(5))

    assert [request.path.partition("?")[0] for request in far.requests][:3] == ["/hook", "/two", "/two"]
    bodies = [json.loads(message.body) for message in heard]
    assert sorted(each["item"]["name"] for each in bodies[:3]) == ["Ada", "Bob", "Zoe"]
    assert [each["item"]["name"] for each in bodies[3:]] == ["Bobby", "Bob"]
    assert len({message.message_id for message in heard}) == 5  # changed back is an event of its own

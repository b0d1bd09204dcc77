"""Texts and webhooks per second to an HTTP server on this machine, beside httpx that does nothing else."""

import asyncio
import time
from collections.abc import Callable
from typing import Self

import httpx
from aiohttp import web

from bench.publishing import publish_all
from bench.service import running_service
from postroom.broker.publishing import Publisher
from postroom.wire.messages import DeliverWebhook, Job, SendSms

CALLS = 3_000
AT_ONCE = 40
"""Requests under way; the webhook service's WEBHOOK_PER_HOST is set to it too."""

SIGNED_BY = "bench"


class Sink:
    """Answers 200 to everything and notes when each call came first. `async with` starts and stops it.

    Args:
        name: makes the name of a call from its body.
    """

    def __init__(self, name: Callable[[bytes], str] = bytes.decode) -> None:
        self.arrivals: dict[str, float] = {}
        self._name = name
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        self.url = f"http://127.0.0.1:{self.port}/"
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._runner.cleanup()

    async def per_second(self, calls: int, within_seconds: float = 300) -> float:
        """From the first to the last arrival, once all have come."""
        async with asyncio.timeout(within_seconds):
            while len(self.arrivals) < calls:
                await asyncio.sleep(0.01)
        moments = sorted(self.arrivals.values())
        return (calls - 1) / (moments[calls - 1] - moments[0])

    async def _take(self, request: web.Request) -> web.Response:
        self.arrivals.setdefault(self._name(await request.read()), time.perf_counter())
        return web.json_response({"id": str(len(self.arrivals))})


async def httpx_per_second(calls: int = CALLS) -> float:
    """The same number of requests from one httpx client, AT_ONCE at a time."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with Sink() as sink, httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
        room = asyncio.Semaphore(AT_ONCE)

        async def call(number: int) -> None:
            async with room:
                await client.post(sink.url, json={"to": "+491511234567", "text": f"Hello {number}"})

        await asyncio.gather(*(call(number) for number in range(calls)))
        return await sink.per_second(calls)


async def texts_per_second(url: str, calls: int = CALLS) -> float:
    """`sms.send` through the generic HTTP gateway."""
    return await _through("sms", url, lambda name, _sink: text_of(name), calls)


async def webhooks_per_second(url: str, calls: int = CALLS) -> float:
    """`webhook.deliver`, signed, to one host."""
    return await _through("webhook", url, lambda name, sink: webhook_of(name, sink.url), calls)


def text_of(name: str) -> SendSms:
    """A short text."""
    return SendSms(to="+491511234567", message=name)


def webhook_of(name: str, url: str) -> DeliverWebhook:
    """A signed call whose body is that name."""
    return DeliverWebhook(url=url, body=name, secret_name=SIGNED_BY)


def call_settings(gateway_url: str) -> dict[str, str]:
    """Of the services that call: texts go to that gateway, webhooks may go to this machine."""
    return {
        "SMS_GATEWAY_URL": gateway_url,
        "WEBHOOK_SECRETS": f"{SIGNED_BY}=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


async def _through(service: str, url: str, make: Callable[[str, Sink], Job], calls: int) -> float:
    async with Publisher(url) as publisher, Sink() as sink:
        names = [f"Hello {number}" for number in range(calls)]
        await publish_all(lambda name: publisher.publish(make(name, sink)), names)
        settings = {**call_settings(sink.url), "WEBHOOK_PER_HOST": str(AT_ONCE)}
        async with running_service(service, url, settings):
            return await sink.per_second(calls)

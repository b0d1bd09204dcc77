"""The HTTP server that takes receipts, inside the service's event loop."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
from aiohttp import web

from postroom.wire.errors import ConfigurationError
from postroom_sms.gateway import Receipt
from postroom_sms.receipts import generic, twilio
from postroom_sms.receipts.refusals import Unreadable, Untrusted
from postroom_sms.receipts.settings import MOST_BODY_BYTES, HttpReceipts, ReceiptServerOptions
from postroom_sms.receipts.sns import SnsTopic
from postroom_sms.receipts.sns_signature import Fetch
from postroom_sms.texts import ReceiptHandler

log = logging.getLogger(__name__)

SLOWEST_BODY_SECONDS = 10.0
SLOWEST_DESK_SECONDS = 8.0
"""Providers wait 10 to 15 s for an answer, then send again."""

CERTIFICATE_TIMEOUT = timedelta(seconds=5)
Read = Callable[[web.Request, bytes], Awaitable[Receipt | None]]


class ReceiptServer:
    """A running server. `url` is where it listens, without `/receipts/…`."""

    def __init__(self, url: str) -> None:
        self.url = url


@asynccontextmanager
async def open_receipts(
    settings: ReceiptServerOptions, handler: ReceiptHandler, fetch: Fetch | None = None
) -> AsyncIterator[ReceiptServer]:
    """Take receipts and hand them to `handler` until the end of the block.

    Answered are 204 once a receipt is stored; 403 to a wrong signature; 400 to what cannot be read; 413 to more
    than 64 KiB; 503, so that the provider repeats it, when the handler fails.

    Args:
        fetch: gets Amazon's certificates and confirms subscriptions; over HTTPS when absent.

    Raises ConfigurationError when the settings lack something, or the port is taken.
    """
    app = web.Application(client_max_size=MOST_BODY_BYTES)
    for path, read in _readers(settings, fetch or _fetch).items():
        app.router.add_post(f"/receipts/{path}", _Endpoint(path, read, handler).take)
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=SLOWEST_DESK_SECONDS)
    await runner.setup()
    try:
        yield ReceiptServer(await _listen(runner, settings))
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: ReceiptServerOptions) -> str:
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        raise ConfigurationError(
            f"receipts cannot be taken on {settings.host}:{settings.port}: {error.strerror}"
        ) from None
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _readers(settings: ReceiptServerOptions, fetch: Fetch) -> dict[str, Read]:
    readers: dict[str, Read] = {}
    if settings.twilio_tokens:
        readers["twilio"] = _twilio_reader(settings)
    if settings.sns_topics:
        topic = SnsTopic(settings.sns_topics, fetch)
        readers["sns"] = lambda _request, body: topic.read(body)
    if settings.http is not None:
        readers["http"] = _http_reader(settings.http)
    return readers


def _twilio_reader(settings: ReceiptServerOptions) -> Read:
    if not settings.public_url:
        raise ConfigurationError("Twilio signs the address it calls: receipts from it need the public URL")
    root = settings.public_url.rstrip("/")

    async def read(request: web.Request, body: bytes) -> Receipt:
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        signature = request.headers.get("X-Twilio-Signature")
        twilio.check_signature(root + request.raw_path, form, signature, settings.twilio_tokens)
        return twilio.read_receipt(form)

    return read


def _http_reader(api: HttpReceipts) -> Read:
    async def read(request: web.Request, body: bytes) -> Receipt:
        generic.check_signature(body, request.headers, api)
        return generic.read_receipt(body, request.content_type, api)

    return read


class _Endpoint:
    def __init__(self, name: str, read: Read, handler: ReceiptHandler) -> None:
        self._name = name
        self._read = read
        self._handler = handler

    async def take(self, request: web.Request) -> web.Response:
        """Check, read, store, answer."""
        try:
            async with asyncio.timeout(SLOWEST_BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        try:
            async with asyncio.timeout(SLOWEST_DESK_SECONDS):
                receipt = await self._read(request, body)
                if receipt is not None:
                    await self._handler.take(receipt)
        except Untrusted as error:
            return self._refused(403, error)
        except Unreadable as error:
            return self._refused(400, error)
        except Exception as error:  # noqa: BLE001 - whatever it was: the provider keeps the receipt
            log.warning("A receipt at /receipts/%s could not be stored (%s)", self._name, type(error).__name__)
            return web.Response(status=503, headers={"Retry-After": "30"})
        return web.Response(status=204)

    def _refused(self, status: int, reason: Exception) -> web.Response:
        log.warning("A request to /receipts/%s was refused: %s", self._name, reason)
        return web.Response(status=status)


async def _fetch(url: str) -> bytes:
    """Get a URL of Amazon's. Raises OSError."""
    async with httpx.AsyncClient(timeout=CERTIFICATE_TIMEOUT.total_seconds(), trust_env=False) as client:
        try:
            async with client.stream("GET", url) as response:
                response.raise_for_status()
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MOST_BODY_BYTES:
                        raise OSError(f"{response.url.host} answers with too much")
        except httpx.HTTPError as error:
            raise OSError(f"{httpx.URL(url).host} does not answer ({type(error).__name__})") from None
    return bytes(body)

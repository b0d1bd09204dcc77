"""The real caller: httpx over guarded connections, with a limit on everything."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from postroom.tls import trusted_authorities
from postroom_webhook.caller import BodyEnding, HttpRequest, HttpResponse
from postroom_webhook.caller.guarded import GuardedBackend, GuardedTransport
from postroom_webhook.caller.resolver import Resolver, SystemResolver
from postroom_webhook.errors import ReceiverTimedOut, ReceiverUnreachable, ReceiverUntrusted
from postroom_webhook.networks import AllowedAddresses

USER_AGENT = "Postroom"
# `identity`: a few compressed bytes could become gigabytes.
_ALWAYS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}


class HttpCaller:
    """See Caller.

    Args:
        client: with a GuardedTransport.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def call(self, request: HttpRequest) -> HttpResponse:
        """See Caller."""
        seconds = request.time_limit.total_seconds()
        # One limit for all of it: a receiver that sends a byte now and then would outlast any limit per read.
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(self._request(request), stream=True)
        except (TimeoutError, httpx.TimeoutException):
            raise ReceiverTimedOut(f"{request.target.place} did not answer within {seconds:g} s") from None
        except (httpx.TransportError, ssl.SSLError, OSError) as error:
            raise _unreachable(request.target.place, error) from None
        try:
            body, ending = await _read(response, request.read_bytes, deadline)
        finally:
            await response.aclose()
        return HttpResponse(response.status_code, dict(response.headers.items()), body, ending)

    def _request(self, request: HttpRequest) -> httpx.Request:
        return self._client.build_request(
            request.method,
            request.target.url,
            headers=dict(request.headers),
            content=request.body,
            timeout=httpx.Timeout(None, connect=request.time_limit.total_seconds()),
        )


@asynccontextmanager
async def http_caller(
    allowed: AllowedAddresses, *, resolver: Resolver | None = None, ca_file: Path | None = None
) -> AsyncIterator[HttpCaller]:
    """A caller, with its connections closed afterwards.

    Args:
        allowed: which addresses may be called.
        resolver: the operating system's when absent.
        ca_file: certificate authorities (PEM) to trust beside the system's.
    """
    system = SystemResolver()
    transport = GuardedTransport(
        GuardedBackend(resolver or system, allowed), trusted_authorities(ca_file, "WEBHOOK_CA_FILE")
    )
    nowhere = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # what one job is given is not shown to the next
    client = httpx.AsyncClient(
        transport=transport, trust_env=False, follow_redirects=False, cookies=nowhere, headers=_ALWAYS
    )
    try:
        async with client:
            yield HttpCaller(client)
    finally:
        system.close()


async def _read(response: httpx.Response, limit: int, deadline: float) -> tuple[bytes, BodyEnding]:
    """The first `limit` bytes of the body. The status has been said: what goes wrong here does not change it."""
    body = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            async for chunk in response.aiter_raw():
                body += chunk[: limit - len(body)]
                if len(body) == limit:
                    return bytes(body), BodyEnding.CAPPED
    except (TimeoutError, httpx.TransportError, ssl.SSLError, OSError):
        return bytes(body), BodyEnding.BROKEN_OFF
    return bytes(body), BodyEnding.COMPLETE


def _unreachable(place: str, error: Exception) -> ReceiverUnreachable:
    text = " ".join(str(error).split())[:300] or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return ReceiverUntrusted(f"{place}: {text}; WEBHOOK_CA_FILE names authorities to trust beside the system's")
    return ReceiverUnreachable(f"{place}: {text}")

"""Sends one request to a provider's HTTP API, and says what is certain when no response comes."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from postroom.privacy.masking import DOTS, mask_text
from postroom.privacy.redaction import redact
from postroom.tls import system_authorities
from postroom.wire.errors import ConfigurationError
from postroom_sms.errors import GatewayAnswerLost, GatewayUnavailable
from postroom_sms.gateway import Text
from postroom_sms.gateway_url import GatewayUrl

CONNECTIONS = 200
"""More than texts can be in work in one process: none waits for a connection of another."""

CONNECT_SECONDS = 10.0
LARGEST_ANSWER_BYTES = 64 * 1024
LONGEST_WORDS = 200

# All of them come before the first byte of the request leaves. A connection that broke later, even one that broke
# while the body was being written, says nothing about what the provider has read.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """A provider's response. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def open_client(timeout: timedelta) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """A client that keeps connections, follows no redirect and takes no proxy from the environment."""
    seconds = timeout.total_seconds()
    return httpx.AsyncClient(
        timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        verify=system_authorities(),
        trust_env=False,
        follow_redirects=False,
    )


async def exchange(client: httpx.AsyncClient, request: httpx.Request, timeout: timedelta) -> GatewayResponse:  # noqa: ASYNC109
    """Send `request` and read the whole answer, all within `timeout`.

    Raises GatewayUnavailable while nothing was sent, and when the API redirects; GatewayAnswerLost when the request may
    have been read and no whole answer came.
    """
    host = request.url.host
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            response = await client.send(request, stream=True)
            try:
                body = await _read_capped(response)
            finally:
                await response.aclose()
    except _NOT_SENT as error:
        raise GatewayUnavailable(f"{host} cannot be reached ({type(error).__name__})") from None
    except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
        raise GatewayAnswerLost(f"the request left for {host}, no whole answer came ({type(error).__name__})") from None
    if response.is_redirect:
        raise GatewayUnavailable(f"{host} answers {response.status_code}: its API is elsewhere; check api_base=")
    return GatewayResponse(response.status_code, response.headers, body)


async def _read_capped(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER_BYTES:
            raise GatewayAnswerLost(f"{response.url.host} answers with more than {LARGEST_ANSWER_BYTES} bytes")
    return bytes(body)


def provider_words(words: object, text: Text) -> str:
    """A provider's words in one line, without the number, the content or a secret, which some repeat."""
    line = " ".join(str(words).split())
    for private in (text.content, text.to, text.to.lstrip("+")):
        line = line.replace(" ".join(private.split()) or DOTS, DOTS)
    line = redact(mask_text("".join(c for c in line if c.isprintable())))
    return line if len(line) <= LONGEST_WORDS else line[: LONGEST_WORDS - 1] + "…"


def api_root(url: GatewayUrl, default: str) -> str:
    """The root of the provider's API. Raises ConfigurationError when `api_base=` is no http or https URL."""
    root = url.base_url(default)
    try:
        parsed = httpx.URL(root)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError(f"SMS_GATEWAY_URL: api_base= of {url.scheme}:// is no http or https URL")
    return root

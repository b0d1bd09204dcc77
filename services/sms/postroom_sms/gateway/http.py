"""A gateway of any provider with a plain HTTP API, as the settings SMS_HTTP_… describe it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from postroom.tls import system_authorities
from postroom_sms.errors import (
    GatewayAnswerLost,
    GatewayThrottled,
    GatewayUnavailable,
    RecipientOptedOut,
    TextDeferred,
    TextRefused,
)
from postroom_sms.gateway import Accepted, Receipt, Text
from postroom_sms.gateway.http_api import HttpApi, look_up
from postroom_sms.gateway_url import GatewayUrl

CONNECTIONS = 200
"""More than texts can be in work in one process: an urgent one does not wait for a connection."""

LARGEST_ANSWER_BYTES = 64 * 1024
DEFAULT_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=1)
"""A provider that asks for more is asked again after that."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class HttpGateway:
    """Sends each text in one request.

    Args:
        client: with the time-out and the login.
        url: where to.
        api: how the provider wants it.
    """

    name = "http"

    def __init__(self, client: httpx.AsyncClient, url: str, api: HttpApi) -> None:
        self._client = client
        self._url = url
        self._api = api
        self.knows_references = api.knows_references

    async def deliver(self, text: Text) -> Accepted:
        """See Gateway."""
        try:
            async with self._client.stream(**self._request(text)) as response:
                body = await _read_capped(response)
        except _NOT_SENT as error:
            raise GatewayUnavailable(f"{self._host} cannot be reached ({type(error).__name__})") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise GatewayAnswerLost(
                f"the request left for {self._host}, no answer came ({type(error).__name__})"
            ) from None
        return self._accepted(response, body)

    def _request(self, text: Text) -> dict[str, Any]:
        api = self._api
        fields = {**api.extra_fields, api.to_field: text.to, api.text_field: text.content}
        if text.sender:
            fields[api.sender_field] = text.sender
        if api.reference_field:
            fields[api.reference_field] = text.reference
        headers = dict(api.headers)
        if api.reference_header:
            headers[api.reference_header] = text.reference
        request: dict[str, Any] = {"method": api.method, "url": self._url, "headers": headers}
        place = {"json": "json", "form": "data", "query": "params"}[api.format]
        if place == "params":
            fields = {**dict(httpx.URL(self._url).params), **fields}
        return {**request, place: fields}

    @property
    def _host(self) -> str:
        return httpx.URL(self._url).host

    def _accepted(self, response: httpx.Response, body: bytes) -> Accepted:
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            wait = read_retry_after(response.headers.get("retry-after"))
            raise GatewayThrottled(
                f"{self._host} answers 429: too many texts; {wait.total_seconds():g} s", retry_after=wait
            )
        answer = _read_json(body)
        said = look_up(answer, self._api.success_field)
        self._check_service(status, said)
        if said is not None and said in self._api.opted_out_values:
            raise RecipientOptedOut(f"{self._host} says that this recipient wants no texts ({said})")
        if status not in self._api.success_statuses:
            self._refuse(status, said)
        if self._api.success_field is not None and said not in self._api.success_values:
            if said is None:
                raise GatewayAnswerLost(f"{self._host} answers {status} without {self._api.success_field}")
            raise TextRefused(f"{self._host} refuses the text ({said})")
        return Accepted(self.name, self._ids(answer, status))

    def _check_service(self, status: int, said: str | None) -> None:
        """Raises when the status says something about the provider, not about the text."""
        if status in (401, 407) or (status == 403 and said is None):
            raise GatewayUnavailable(
                f"{self._host} answers {status}: it does not let us in; check SMS_HTTP_AUTH_HEADER"
            )
        if 300 <= status < 400:
            raise GatewayUnavailable(f"{self._host} answers {status}: the API is elsewhere; check SMS_GATEWAY_URL")
        if status == httpx.codes.SERVICE_UNAVAILABLE:  # by its definition the request was not handled
            raise GatewayUnavailable(f"{self._host} answers 503: it is away")
        if status >= 500:
            # It may have passed the text on before it failed.
            raise GatewayAnswerLost(f"{self._host} answers {status}: it may have sent the text")

    def _refuse(self, status: int, said: str | None) -> None:
        words = f"{self._host} answers {status}" + (f" ({said})" if said else "")
        if status in (408, 425):
            raise TextDeferred(words)
        if 200 <= status < 300:
            raise GatewayAnswerLost(f"{words}, which is not among SMS_HTTP_SUCCESS_STATUSES")
        raise TextRefused(words)

    def _ids(self, answer: Any, status: int) -> tuple[str, ...]:
        if self._api.id_field is None:
            return ()
        provider_id = look_up(answer, self._api.id_field)
        if provider_id is None:
            raise GatewayAnswerLost(f"{self._host} answers {status} without {self._api.id_field}")
        return (provider_id,)


@asynccontextmanager
async def open_http(
    url: GatewayUrl,
    timeout: timedelta,  # noqa: ASYNC109 - for each request, enforced by the client
    on_receipt: Callable[[Receipt], Awaitable[None]] | None = None,  # noqa: ARG001 - they come over HTTP
    *,
    api: HttpApi | None = None,
) -> AsyncIterator[HttpGateway]:
    """A gateway at `url`, whose user and password are sent as basic authentication. Its options belong to the URL."""
    login = httpx.BasicAuth(url.user, url.password.get_secret_value()) if url.user else None
    async with httpx.AsyncClient(
        auth=login,
        timeout=timeout.total_seconds(),
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        verify=system_authorities(),
        trust_env=False,
        follow_redirects=False,
    ) as client:
        yield HttpGateway(client, _plain_url(url), api or HttpApi())


def _plain_url(url: GatewayUrl) -> str:
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = f":{url.port}" if url.port else ""
    plain = httpx.URL(f"{url.scheme}://{host}{port}{url.path or '/'}")
    return str(plain.copy_merge_params(url.query) if url.query else plain)


def read_retry_after(value: str | None) -> timedelta:
    """What a Retry-After header asks for, in seconds or as a date; DEFAULT_WAIT when it is not readable."""
    wait = DEFAULT_WAIT
    if value and value.strip().isdigit():
        wait = timedelta(seconds=min(int(value.strip()[:9]), LONGEST_WAIT.total_seconds()))
    elif value:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return DEFAULT_WAIT
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)
    return min(max(wait, DEFAULT_WAIT), LONGEST_WAIT)


async def _read_capped(response: httpx.Response) -> bytes:
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER_BYTES:
            return b""  # no answer that we could read
    return body


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None

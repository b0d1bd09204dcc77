"""Twilio's Messages API: `twilio://SID:TOKEN@/?from=+15550100`.

With an API key instead of the account's token: `twilio://SKx:secret@/?account=ACx&from=…`.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from postroom.wire.errors import ConfigurationError
from postroom_sms.errors import GatewayAnswerLost
from postroom_sms.gateway import Accepted, Receipt, Text
from postroom_sms.gateway.http import read_retry_after
from postroom_sms.gateway.http_client import GatewayResponse, api_root, exchange, open_client, provider_words
from postroom_sms.gateway.twilio_errors import refuse
from postroom_sms.gateway_url import API_BASE, GatewayUrl

API = "https://api.twilio.com"
SERVICE_PREFIX = "MG"
LONGEST_VALIDITY_SECONDS = 36_000  # Twilio refuses more
_FAILED = frozenset({"failed", "undelivered", "canceled"})


class TwilioGateway:
    """Sends each text in one request.

    Twilio knows no idempotency key for messages: a text whose answer was lost may be sent twice.
    """

    name = "twilio"
    knows_references = False

    def __init__(self, client: httpx.AsyncClient, url: GatewayUrl, timeout: timedelta) -> None:
        account = url.query.get("account", url.user or "")
        self._client = client
        self._timeout = timeout
        self._endpoint = f"{api_root(url, API)}/2010-04-01/Accounts/{account}/Messages.json"
        self._login = httpx.BasicAuth(url.user or "", url.password.get_secret_value())
        self._sender = url.query.get("from")
        self._status_callback = url.query.get("status_callback")

    async def deliver(self, text: Text) -> Accepted:
        """See Gateway."""
        request = self._client.build_request("POST", self._endpoint, data=self._form(text))
        request = next(self._login.auth_flow(request))
        return self._accepted(await exchange(self._client, request, self._timeout), text)

    def _form(self, text: Text) -> dict[str, str]:
        form = {"To": text.to, "Body": text.content}
        sender = text.sender or self._sender or ""
        form["MessagingServiceSid" if sender.startswith(SERVICE_PREFIX) else "From"] = sender
        if self._status_callback:
            form["StatusCallback"] = self._status_callback
        if text.expires_at is not None:
            left = (text.expires_at - datetime.now(UTC)).total_seconds()
            form["ValidityPeriod"] = str(int(min(max(left, 1), LONGEST_VALIDITY_SECONDS)))
        return form

    def _accepted(self, answer: GatewayResponse, text: Text) -> Accepted:
        message = _read_object(answer.body)
        if not 200 <= answer.status < 300:
            code = message.get("code")
            words = provider_words(message.get("message") or "", text)
            self._refuse(answer, code, words)
        if message.get("status") in _FAILED:
            self._refuse(answer, message.get("error_code"), provider_words(message.get("error_message") or "", text))
        sid = message.get("sid")
        if not isinstance(sid, str) or not sid:
            raise GatewayAnswerLost(
                f"Twilio answers {answer.status} without a message's sid; it may have sent the text"
            )
        return Accepted(self.name, (sid,))

    def _refuse(self, answer: GatewayResponse, code: Any, words: str) -> None:
        number = code if isinstance(code, int) and not isinstance(code, bool) else None
        refuse(answer.status, number, words, read_retry_after(answer.headers.get("retry-after")))


def _read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in an answer; an empty one where there is none."""
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


@asynccontextmanager
async def open_twilio(
    url: GatewayUrl,
    timeout: timedelta,  # noqa: ASYNC109 - for each request
    on_receipt: Callable[[Receipt], Awaitable[None]] | None = None,  # noqa: ARG001 - they come over HTTP
) -> AsyncIterator[TwilioGateway]:
    """A gateway to Twilio. Raises ConfigurationError when `url` lacks the account, its token or a sender.

    Options: `from` (number, sender id, or a messaging service's MG…), `account` (where the user is an API key),
    `status_callback` (where receipts go), `api_base`.
    """
    url.check_options("from", "account", "status_callback", API_BASE)
    if not url.user or not url.password.get_secret_value():
        raise ConfigurationError("SMS_GATEWAY_URL: twilio:// needs the account and its token: twilio://SID:TOKEN@/")
    if not url.query.get("from"):
        raise ConfigurationError("SMS_GATEWAY_URL: twilio:// needs a sender: ?from=+15550100, or ?from=MG…")
    async with open_client(timeout) as client:
        yield TwilioGateway(client, url, timeout)

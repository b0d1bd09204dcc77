"""Amazon SNS over its plain HTTP API, signed by botocore: `sns://KEY:SECRET@eu-central-1`.

Without key and secret, botocore's chain of credentials is asked (environment, files, the machine's role).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import botocore.session
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError, create_parser

from postroom.wire.errors import ConfigurationError
from postroom_sms.errors import GatewayAnswerLost, GatewayUnavailable
from postroom_sms.gateway import Accepted, Receipt, Text
from postroom_sms.gateway.http_client import GatewayResponse, api_root, exchange, open_client, provider_words
from postroom_sms.gateway.sns_errors import refuse
from postroom_sms.gateway_url import API_BASE, GatewayUrl

FORM = "application/x-www-form-urlencoded; charset=utf-8"
TYPES = {"transactional": "Transactional", "promotional": "Promotional"}


class SnsGateway:
    """Sends each text in one request.

    SNS knows no idempotency key for texts, and no time after which one is useless.

    Args:
        credentials: botocore's; may have to be fetched again when they run out.
        publish_output: the shape of Publish's answer, from botocore's model.
    """

    name = "sns"
    knows_references = False

    def __init__(
        self, client: httpx.AsyncClient, url: GatewayUrl, timeout: timedelta, credentials: Any, publish_output: Any
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._region = url.host
        self._endpoint = api_root(url, f"https://sns.{url.host}.amazonaws.com") + "/"
        self._sender = url.query.get("from")
        self._type = TYPES[url.query.get("type", "transactional")]
        self._credentials = credentials
        self._publish_output = publish_output

    async def deliver(self, text: Text) -> Accepted:
        """See Gateway."""
        request = await self._signed(httpx.QueryParams(self._form(text)))
        return self._accepted(await exchange(self._client, request, self._timeout), text)

    def _form(self, text: Text) -> dict[str, str]:
        attributes = {"AWS.SNS.SMS.SMSType": self._type}
        sender = text.sender or self._sender
        if sender:
            # A number we own travels under another name than a sender id.
            name = "AWS.MM.SMS.OriginationNumber" if sender.lstrip("+").isdigit() else "AWS.SNS.SMS.SenderID"
            attributes[name] = sender
        form = {"Action": "Publish", "Version": "2010-03-31", "PhoneNumber": text.to, "Message": text.content}
        for place, (name, value) in enumerate(attributes.items(), start=1):
            entry = f"MessageAttributes.entry.{place}"
            form[f"{entry}.Name"] = name
            form[f"{entry}.Value.DataType"] = "String"
            form[f"{entry}.Value.StringValue"] = value
        return form

    async def _signed(self, form: httpx.QueryParams) -> httpx.Request:
        try:
            # In a thread: credentials of a role that run out are fetched again, over the network.
            credentials = await asyncio.to_thread(self._credentials.get_frozen_credentials)
        except BotoCoreError as error:
            raise GatewayUnavailable(f"no AWS credentials at the moment ({type(error).__name__})") from None
        body = str(form).encode()
        request = AWSRequest("POST", self._endpoint, headers={"Content-Type": FORM}, data=body)
        SigV4Auth(credentials, "sns", self._region).add_auth(request)
        return self._client.build_request("POST", self._endpoint, content=body, headers=dict(request.headers.items()))

    def _accepted(self, answer: GatewayResponse, text: Text) -> Accepted:
        said = self._read(answer)
        error = said.get("Error")
        if error is not None or answer.status >= 300:
            code, words = (error or {}).get("Code"), (error or {}).get("Message")
            refuse(
                answer.status,
                provider_words(code or "", text),
                provider_words(words or "", text),
                answer.headers.get("retry-after"),
            )
        if not said.get("MessageId"):
            raise GatewayAnswerLost(
                f"Amazon SNS answers {answer.status} without a MessageId; it may have sent the text"
            )
        return Accepted(self.name, (str(said["MessageId"]),))

    def _read(self, answer: GatewayResponse) -> dict[str, Any]:
        response = {"status_code": answer.status, "headers": {}, "body": answer.body}
        try:
            parsed: dict[str, Any] = create_parser("query").parse(response, self._publish_output)
        except ResponseParserError:
            return {}
        return parsed


@asynccontextmanager
async def open_sns(
    url: GatewayUrl,
    timeout: timedelta,  # noqa: ASYNC109 - for each request
    on_receipt: Callable[[Receipt], Awaitable[None]] | None = None,  # noqa: ARG001 - they come over HTTP
) -> AsyncIterator[SnsGateway]:
    """A gateway to Amazon SNS. Raises ConfigurationError when `url` lacks the region, or nobody has credentials.

    Options: `from` (sender id, or a number of the account), `type` (transactional, promotional), `api_base`.
    """
    url.check_options("from", "type", API_BASE)
    if not url.host:
        raise ConfigurationError("SMS_GATEWAY_URL: sns:// needs a region: sns://eu-central-1")
    if url.query.get("type", "transactional") not in TYPES:
        raise ConfigurationError(f"SMS_GATEWAY_URL: type= of sns:// is {' or '.join(TYPES)}")
    credentials, publish_output = await asyncio.to_thread(_prepare, url)
    async with open_client(timeout) as client:
        yield SnsGateway(client, url, timeout, credentials, publish_output)


def _prepare(url: GatewayUrl) -> tuple[Any, Any]:
    """Reads files, and may ask the machine's metadata service: not for the event loop."""
    session = botocore.session.get_session()
    publish_output = session.get_service_model("sns").operation_model("Publish").output_shape
    if url.user:
        return Credentials(url.user, url.password.get_secret_value()), publish_output
    try:
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise ConfigurationError(f"SMS_GATEWAY_URL: no AWS credentials ({type(error).__name__})") from None
    if credentials is None:
        raise ConfigurationError(
            "SMS_GATEWAY_URL: no AWS credentials; use sns://KEY:SECRET@region, or AWS_ACCESS_KEY_ID and so on"
        )
    return credentials, publish_output

"""The gateways that SMS_GATEWAY_URL names, in order."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from postroom.service import load
from postroom.settings import read_settings
from postroom.wire.errors import ConfigurationError
from postroom_sms.gateway import Gateway, Receipt
from postroom_sms.gateway.console import ConsoleGateway
from postroom_sms.gateway.failover import Failover
from postroom_sms.gateway_url import GatewayUrl
from postroom_sms.settings import HttpGatewaySettings, SmsSettings

log = logging.getLogger(__name__)

OnReceipt = Callable[[Receipt], Awaitable[None]]

_SMPP = "postroom_sms.gateway.smpp:open_smpp"
_HTTP = "postroom_sms.gateway.http:open_http"
_READ_API = "postroom_sms.gateway.http_api:read_api"
_OPENED_BY = {
    "twilio": "postroom_sms.gateway.twilio:open_twilio",
    "sns": "postroom_sms.gateway.sns:open_sns",
    "smpp": _SMPP,
    "smpps": _SMPP,
    "http": _HTTP,
    "https": _HTTP,
}
"""What opens a scheme. It is loaded when it is needed: nobody needs the libraries of gateways that are not used."""


@asynccontextmanager
async def open_gateways(
    settings: SmsSettings, on_receipt: OnReceipt, give_up: Callable[[], None]
) -> AsyncIterator[Failover]:
    """All gateways, with their connections closed afterwards. Raises ConfigurationError for a wrong setting.

    `give_up` is called when one of them lost what keeps its connection, see in_background.
    """
    async with AsyncExitStack() as stack:
        opening = [_open(url, settings, on_receipt, give_up) for url in settings.gateways()]
        yield Failover([await stack.enter_async_context(gateway) for gateway in opening])


def _open(
    url: GatewayUrl, settings: SmsSettings, on_receipt: OnReceipt, give_up: Callable[[], None]
) -> AbstractAsyncContextManager[Gateway]:
    if url.scheme == "console":
        url.check_options()
        return _console()
    if url.scheme not in _OPENED_BY:
        known = ", ".join(f"{scheme}://" for scheme in (*_OPENED_BY, "console"))
        raise ConfigurationError(f"SMS_GATEWAY_URL: there is no gateway {url.scheme}://; there is {known}")
    open_gateway = _load(_OPENED_BY[url.scheme], url.scheme)
    if _OPENED_BY[url.scheme] == _HTTP:
        read_api = _load(_READ_API, url.scheme)
        open_gateway = partial(open_gateway, api=read_api(read_settings(HttpGatewaySettings)))
    elif _OPENED_BY[url.scheme] == _SMPP:
        open_gateway = partial(open_gateway, give_up=give_up)
    gateway: AbstractAsyncContextManager[Gateway] = open_gateway(url, settings.timeout, on_receipt)
    return gateway


def _load(reference: str, scheme: str) -> Any:
    try:
        return load(reference)
    except ModuleNotFoundError as error:
        missing = error.name or str(error)
        if missing.partition(".")[0] in ("postroom_sms", "postroom"):
            raise  # a mistake in our own imports, which no installation mends
        raise ConfigurationError(
            f"SMS_GATEWAY_URL: {scheme}:// needs {missing}, which is not installed: pip install 'postroom[sms]'"
        ) from None


@asynccontextmanager
async def _console() -> AsyncIterator[Gateway]:
    log.warning("SMS_GATEWAY_URL is console://: texts are printed, numbers and codes included, and reach nobody")
    yield ConsoleGateway()

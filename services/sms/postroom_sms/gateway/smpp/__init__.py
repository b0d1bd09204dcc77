"""SMPP 3.4 to an operator's SMSC, over one bind that is kept open: `smpp://user:password@host:2775`.

The session is ours and aiosmpplib packs the PDUs. Its own client queues texts and reports on them later through a
hook: it cannot tell which part of a text was accepted, whether a request had left when the connection broke, speaks
no TLS, cannot ask the SMSC to send a receipt again, and ends the session at a status code it does not know.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from aiosmpplib.protocol import BindTransceiver, SubmitSm
from aiosmpplib.state import NPI, TON, PhoneNumber

from postroom.wire.errors import PermanentFailure, TemporaryFailure
from postroom_sms.errors import GatewayAnswerLost, GatewayUnavailable, TextDeferred, TextRefused
from postroom_sms.gateway import Accepted, Receipt, Text
from postroom_sms.gateway.smpp.link import BIND_FAILURES, CannotBind, Link, kept_open
from postroom_sms.gateway.smpp.options import SmppOptions, read_options
from postroom_sms.gateway.smpp.parts import ReferenceNumbers, SmsPart, split_parts
from postroom_sms.gateway.smpp.pdu import CommandId, DeliverSm, read_message_id, status_name
from postroom_sms.gateway.smpp.receipts import read_receipt
from postroom_sms.gateway.smpp.session import Session, SessionClosed
from postroom_sms.gateway.smpp.statuses import WAITS, refuse
from postroom_sms.gateway_url import GatewayUrl

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
FINAL_RECEIPTS = 1
OnReceipt = Callable[[Receipt], Awaitable[None]]


class SmppGateway:
    """Sends each part of a text in one submit_sm, in order.

    SMPP knows no idempotency key. Once a part was accepted, nothing can be taken back: a later part that is
    throttled is offered again for as long as the time-out lasts; what then still fails for now is an GatewayAnswerLost,
    because another try sends the first parts again. It does so under the same reference number, by which the phone
    can join them all the same. What fails for good is refused as a whole.
    """

    name = "smpp"
    knows_references = False

    def __init__(self, link: Link, options: SmppOptions, timeout: timedelta) -> None:
        self._link = link
        self._options = options
        self._timeout_seconds = timeout.total_seconds()
        self._window = asyncio.Semaphore(options.window)
        self._references = ReferenceNumbers()

    async def deliver(self, text: Text) -> Accepted:
        """See Gateway."""
        parts = split_parts(text.content, self._references.number_of(text.reference))
        deadline = time.monotonic() + self._timeout_seconds
        ids: list[str] = []
        for place, part in enumerate(parts):
            try:
                ids.append(await self._submit_until(part, text, deadline if place else 0.0))
            except (TemporaryFailure, PermanentFailure) as error:
                if not place:
                    raise
                raise _of_a_torn_text(error, place, len(parts)) from None
        return Accepted(self.name, tuple(message_id for message_id in ids if message_id))

    async def _submit_until(self, part: SmsPart, text: Text, deadline: float) -> str:
        """Offer a part, again while it is throttled and there is time. The SMSC's id of it."""
        while True:
            status, message_id = await self._submit(part, text)
            if status == 0:
                return self._options.message_ids.accepted(message_id)
            wait = WAITS.get(status)
            if wait is None or time.monotonic() + wait.total_seconds() > deadline:
                refuse(status, self._options.opted_out)
            await asyncio.sleep(wait.total_seconds())

    async def _submit(self, part: SmsPart, text: Text) -> tuple[int, str]:
        async with self._window:
            session = await self._link.session()
            try:
                header, body = await session.request(self._pdu(part, text))
            except SessionClosed as error:
                raise GatewayUnavailable(f"the session with the SMSC {self._options.label} is over: {error}") from None
            except GatewayAnswerLost as error:
                raise GatewayAnswerLost(f"the text left for the SMSC {self._options.label}: {error}") from None
        if header.command not in (CommandId.SUBMIT_SM_RESP, CommandId.GENERIC_NACK):
            raise GatewayAnswerLost(
                f"the SMSC {self._options.label} answers with another command, 0x{header.command:x}"
            )
        if header.command == CommandId.GENERIC_NACK and header.status == 0:
            raise TextDeferred(f"the SMSC {self._options.label} could not read the request")
        return header.status, read_message_id(body)

    def _pdu(self, part: SmsPart, text: Text) -> SubmitSm:
        try:
            pdu = SubmitSm(
                short_message=" ",  # what counts are the octets below
                source=self._options.source(text.sender),
                destination=PhoneNumber(text.to.lstrip("+"), TON.INTERNATIONAL, NPI.ISDN),
                esm_class=part.esm_class,
                validity_period=text.expires_at,
                registered_delivery=FINAL_RECEIPTS,
                encoding=part.encoding,
            )
            pdu.set_encoded_message(part.octets)
            pdu.pdu()
        except ValueError as error:  # its words may repeat the value
            raise TextRefused(f"SMPP cannot carry this sender or number ({type(error).__name__})") from None
        return pdu


def _of_a_torn_text(error: TemporaryFailure | PermanentFailure, accepted: int, parts: int) -> Exception:
    words = f"{accepted} of {parts} parts were accepted, then: {error}"
    return type(error)(words) if isinstance(error, PermanentFailure) else GatewayAnswerLost(words)


@asynccontextmanager
async def open_smpp(
    url: GatewayUrl,
    timeout: timedelta,  # noqa: ASYNC109 - for each answer
    on_receipt: OnReceipt | None = None,
    *,
    give_up: Callable[[], None],
) -> AsyncIterator[SmppGateway]:
    """A gateway over SMPP, whose session is opened in the background. Raises ConfigurationError.

    Args:
        on_receipt: stores a receipt; the SMSC sends it again when this raises.
        give_up: called when nobody opens sessions any more, see kept_open.

    Options: `from`, `tls` (none, implicit), `ca_file`, `system_type`, `source_ton`, `source_npi`, `enquire_link`
    (seconds), `window` (texts under way at once), `message_ids` (same, hex, decimal: how the SMSC writes the ids of
    accepted texts, when receipts have them in the other base), `opted_out` (status codes, comma-separated).
    """
    options = await read_options(url)
    if options.sends_password_openly:
        log.warning("The password for the SMSC %s travels in clear text; smpps:// encrypts it", options.label)
    binder = _Binder(options, timeout, on_receipt)
    async with kept_open(Link(options.label, binder.bind), give_up) as link:
        yield SmppGateway(link, options, timeout)


class _Binder:
    """Opens sessions that hand receipts to `on_receipt`."""

    def __init__(self, options: SmppOptions, timeout: timedelta, on_receipt: OnReceipt | None) -> None:
        self._options = options
        self._timeout = timeout
        self._on_receipt = on_receipt

    async def bind(self) -> Session:
        """A bound session. Raises CannotBind."""
        session = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                session = await self._connect()
                header, _ = await session.request(self._request())
        except BIND_FAILURES as error:
            if session is not None:
                await session.close()
            raise CannotBind(str(error) or type(error).__name__) from None
        except asyncio.CancelledError:
            if session is not None:
                await session.close()
            raise
        if header.status:
            await session.close()
            raise CannotBind(f"the SMSC refuses the bind: {status_name(header.status)}; check user and password")
        return session

    async def _connect(self) -> Session:
        options = self._options
        streams = await asyncio.open_connection(options.host, options.port, ssl=options.tls)
        return Session(streams, self._take, timeout=self._timeout, enquire_after=options.enquire_after)

    def _request(self) -> BindTransceiver:
        options = self._options
        return BindTransceiver(
            system_id=options.user, password=options.password.get_secret_value(), system_type=options.system_type
        )

    async def _take(self, pdu: DeliverSm) -> None:
        receipt = read_receipt(pdu, SmppGateway.name, self._options.message_ids)
        if receipt is None:
            log.info("The SMSC %s sent a text that is no receipt; nobody takes those", self._options.label)
        elif self._on_receipt is not None:
            await self._on_receipt(receipt)

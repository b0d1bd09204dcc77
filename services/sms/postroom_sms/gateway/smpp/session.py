"""One bound SMPP session: requests and their answers, enquire_link, receipts, unbind."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aiosmpplib.protocol import DeliverSmResp, EnquireLink, EnquireLinkResp, SmppMessage, Unbind, UnbindResp
from aiosmpplib.state import SmppCommandStatus

from postroom_sms.errors import GatewayAnswerLost
from postroom_sms.gateway.smpp.pdu import (
    HEADER_BYTES,
    RESPONSE,
    CommandId,
    DeliverSm,
    Header,
    MalformedPdu,
    read_deliver_sm,
    read_header,
)

log = logging.getLogger(__name__)

MOST_RECEIPTS_AT_ONCE = 100
LARGEST_SEQUENCE = 0x7FFFFFFF
UNBIND_SECONDS = 2.0
SLOWEST_RECEIPT_SECONDS = 20.0

OnDeliver = Callable[[DeliverSm], Awaitable[None]]


class SessionClosed(Exception):
    """The session was over before anything of this request was sent. The text is for operators."""


class Session:
    """A connection to an SMSC.

    Args:
        on_deliver: stores what a deliver_sm reports. The SMSC gets its acknowledgement once this returns, and is asked
            to send it again when it raises.
        timeout: for each answer.
        enquire_after: silence after which the SMSC is asked whether it is still there.
    """

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        on_deliver: OnDeliver,
        *,
        timeout: timedelta,
        enquire_after: timedelta,
    ) -> None:
        self._reader, self._writer = streams
        self._on_deliver = on_deliver
        self._timeout_seconds = timeout.total_seconds()
        self._enquire_seconds = enquire_after.total_seconds()
        self._sequence = 0
        self._waiting: dict[int, asyncio.Future[tuple[Header, bytes]]] = {}
        self._receipts: set[asyncio.Task[None]] = set()
        self._heard_at = time.monotonic()
        self._over = asyncio.Event()
        self.reason = ""
        self._tasks = [self._start(self._read_all()), self._start(self._ask_after_silence())]

    @property
    def is_open(self) -> bool:
        """Whether requests may be sent."""
        return not self._over.is_set()

    async def ended(self) -> None:
        """Returns when the session is over; `reason` says why."""
        await self._over.wait()

    async def request(self, message: SmppMessage) -> tuple[Header, bytes]:
        """Send `message`; its answer's header and body.

        Raises SessionClosed while nothing was sent, GatewayAnswerLost when it was and no answer came.
        """
        if not self.is_open or self._writer.is_closing():
            raise SessionClosed(self.reason or "the connection is closing")
        self._sequence = self._sequence % LARGEST_SEQUENCE + 1
        message.sequence_num = sequence = self._sequence
        packed = message.pdu()  # refuses what cannot be packed before anything is sent
        answer = self._waiting[sequence] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                self._writer.write(packed)
                await self._writer.drain()
                header, body = await answer
                return header, body
        except TimeoutError:
            raise GatewayAnswerLost(f"no answer within {self._timeout_seconds:g} s") from None
        except OSError as error:
            raise GatewayAnswerLost(f"the connection broke ({type(error).__name__})") from None
        finally:
            self._waiting.pop(sequence, None)
            if answer.done() and not answer.cancelled():
                answer.exception()  # looked at, also when the write failed first

    async def close(self) -> None:
        """Unbind, if the session is not over, and close the connection. What is being stored is finished first."""
        if self._receipts:
            await asyncio.wait(self._receipts, timeout=UNBIND_SECONDS)
        if self.is_open:
            with suppress(GatewayAnswerLost, SessionClosed, TimeoutError):
                async with asyncio.timeout(UNBIND_SECONDS):
                    await self.request(Unbind())
        self._end("closed by us")
        for task in [*self._tasks, *self._receipts]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._receipts, return_exceptions=True)
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(UNBIND_SECONDS):
                await self._writer.wait_closed()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work)

    def _end(self, reason: str) -> None:
        if self._over.is_set():
            return
        self.reason = reason
        self._over.set()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(GatewayAnswerLost(f"the session ended before the answer came: {reason}"))
        self._writer.close()

    async def _read_all(self) -> None:
        try:
            while self.is_open:
                header = read_header(await self._reader.readexactly(HEADER_BYTES))
                body = await self._reader.readexactly(header.length - HEADER_BYTES)
                self._heard_at = time.monotonic()
                self._take(header, body)
        except asyncio.IncompleteReadError:
            self._end("the SMSC closed the connection")
        except (OSError, MalformedPdu) as error:
            self._end(str(error) or type(error).__name__)

    def _take(self, header: Header, body: bytes) -> None:
        if header.command & RESPONSE:
            answer = self._waiting.get(header.sequence)
            if answer is not None and not answer.done():
                answer.set_result((header, body))
        elif header.command == CommandId.ENQUIRE_LINK:
            self._send(EnquireLinkResp(header.sequence))
        elif header.command == CommandId.UNBIND:
            self._send(UnbindResp(header.sequence))
            self._end("the SMSC has ended the session")
        elif header.command == CommandId.DELIVER_SM:
            self._take_delivery(header, body)
        else:
            log.debug("The SMSC sent a command that nobody asked for: 0x%x", header.command)

    def _take_delivery(self, header: Header, body: bytes) -> None:
        if len(self._receipts) >= MOST_RECEIPTS_AT_ONCE:
            self._send(DeliverSmResp(header.sequence, SmppCommandStatus.ESME_RMSGQFUL))
            return
        task = self._start(self._store(header, body))
        self._receipts.add(task)
        task.add_done_callback(self._receipts.discard)

    async def _store(self, header: Header, body: bytes) -> None:
        status = SmppCommandStatus.ESME_ROK
        try:
            async with asyncio.timeout(SLOWEST_RECEIPT_SECONDS):
                await self._on_deliver(read_deliver_sm(body))
        except MalformedPdu as error:
            log.warning("The SMSC sent something that cannot be read: %s", error)  # again would be no better
        except Exception as error:  # noqa: BLE001 - whatever it was: the SMSC keeps the receipt and sends it again
            log.warning("A receipt could not be stored (%s); the SMSC is to send it again", type(error).__name__)
            status = SmppCommandStatus.ESME_RX_T_APPN
        self._send(DeliverSmResp(header.sequence, status))

    def _send(self, message: SmppMessage) -> None:
        if self.is_open and not self._writer.is_closing():
            self._writer.write(message.pdu())

    async def _ask_after_silence(self) -> None:
        while self.is_open:
            silent_seconds = time.monotonic() - self._heard_at
            if silent_seconds < self._enquire_seconds:
                await asyncio.sleep(self._enquire_seconds - silent_seconds)
                continue
            try:
                await self.request(EnquireLink())
            except GatewayAnswerLost as error:
                self._end(f"the SMSC does not answer enquire_link: {error}")
            except SessionClosed:
                return
            self._heard_at = time.monotonic()

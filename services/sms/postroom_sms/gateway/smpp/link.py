"""Keeps one session to an SMSC open for as long as the service runs, and opens the next when it ends."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from postroom.runtime.background import in_background
from postroom_sms.errors import GatewayAnswerLost, GatewayUnavailable
from postroom_sms.gateway.smpp.pdu import MalformedPdu
from postroom_sms.gateway.smpp.session import Session, SessionClosed

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
"""Seconds between reconnects while no text waits: 1, 2, 4 … 30 s. Receipts come over the connection."""

BETWEEN_TRIES_SECONDS = 1.0
"""A text that finds no session has one opened at once, but not sooner than this after a try that failed."""

WAIT_SECONDS = 12.0
"""For a session that is being opened: longer than one try takes."""


class CannotBind(Exception):
    """There is no session to be had. The text is for operators."""


class Link:
    """The session that is open now.

    Args:
        label: the SMSC, as errors and logs call it.
        bind: opens a session; raises CannotBind.
    """

    def __init__(self, label: str, bind: Callable[[], Awaitable[Session]]) -> None:
        self._label = label
        self._bind = bind
        self._session: Session | None = None
        self._reason = "not connected yet"
        self._failed_at: float | None = None
        self._wanted = asyncio.Event()
        self._tried = asyncio.Event()

    async def session(self) -> Session:
        """A session to send over. Raises GatewayUnavailable."""
        if self._session is None or not self._session.is_open:
            if self._failed_at is not None and time.monotonic() - self._failed_at < BETWEEN_TRIES_SECONDS:
                raise self._unavailable()
            self._tried.clear()
            self._wanted.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._tried.wait()
        if self._session is None or not self._session.is_open:
            raise self._unavailable()
        return self._session

    async def keep_open(self) -> None:
        """Open sessions, one after the other, until cancelled."""
        pause = 0.0
        while True:
            with suppress(TimeoutError):
                # With jitter: an SMSC that comes back is not run over by everyone in the same moment.
                async with asyncio.timeout(pause * random.uniform(0.5, 1)):  # noqa: S311 - no secret
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                self._session = await self._bind()
            except CannotBind as error:
                self._note_failure(str(error))
                pause = min(max(pause * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
                continue
            self._note_success()
            pause = 0.5
            await self._session.ended()
            self._reason = self._session.reason
            log.warning("SMSC %s: the session is over: %s", self._label, self._reason)
            await self._session.close()
            self._wanted.clear()

    async def close(self) -> None:
        """Unbind."""
        if self._session is not None:
            await self._session.close()

    def _note_failure(self, reason: str) -> None:
        if self._failed_at is None:
            log.warning("SMSC %s cannot be reached: %s", self._label, reason)
        self._reason, self._failed_at = reason, time.monotonic()
        self._tried.set()

    def _note_success(self) -> None:
        log.info("SMSC %s: bound", self._label)
        self._failed_at = None
        self._tried.set()

    def _unavailable(self) -> GatewayUnavailable:
        return GatewayUnavailable(f"no session with the SMSC {self._label}: {self._reason}")


@asynccontextmanager
async def kept_open(link: Link, give_up: Callable[[], None]) -> AsyncIterator[Link]:
    """`link`, with its session opened again whenever it ends; unbound at the end.

    `give_up` is called when nobody opens sessions any more, see in_background.
    """
    async with AsyncExitStack() as stack:
        stack.push_async_callback(link.close)
        in_background(stack, link.keep_open(), give_up)
        yield link


BIND_FAILURES = (OSError, TimeoutError, GatewayAnswerLost, SessionClosed, MalformedPdu)
"""What can go wrong between a connection and a bind."""

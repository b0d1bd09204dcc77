"""An SMSC on loopback: the server of smpp34, whose reading of the protocol is not our client's, behind a proxy that can
break a session in the middle of a request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import smpp34
from aiosmpplib.codec import find_codec_info

from postroom.devkit.ports import free_ports
from tests.support.proxy import Proxy
from tests.support.sms_providers import Taken, Trouble

NOT_A_PDU = b"\x00\x00\x00\x05 this is not SMPP"


class Smsc(Proxy):
    """Takes texts, and fails as it is told.

    Attributes:
        statuses: given first, one for each submit_sm; 0 accepts.
        submitted: every submit_sm that was accepted.
    """

    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.1", port)
        self.smsc = smpp34.Server("127.0.0.1", port, system_id="SMSC")
        self.trouble: Trouble | None = None
        self.statuses: list[int] = []
        self.submitted: list[smpp34.SubmitSmEvent] = []
        self.sessions: list[smpp34.Esme] = []
        self.unbound = 0
        self._unanswered: list[smpp34.SubmitSmEvent] = []
        self._clients: list[asyncio.StreamWriter] = []

    async def serve(self) -> None:
        """Take what comes, until cancelled."""
        while True:
            event = await self.smsc.next()
            if isinstance(event, smpp34.Esme):
                self.sessions.append(event)
            elif isinstance(event, smpp34.SubmitSmEvent):
                self._take(event)
            else:
                self.unbound += 1

    def _take(self, event: smpp34.SubmitSmEvent) -> None:
        if self.trouble is not None:
            self._unanswered.append(event)  # one that is dropped is answered
        if self.trouble is Trouble.RESETS:
            self.cut()
        elif self.trouble is Trouble.GARBLES:
            self._clients[-1].write(NOT_A_PDU)
        elif self.trouble is None:
            status = self.statuses.pop(0) if self.statuses else 0
            if status:
                event.reject(status)
                return
            self.submitted.append(event)
            event.accept(f"m{len(self.submitted)}")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.append(writer)
        await super()._serve(reader, writer)

    @property
    def texts(self) -> list[Taken]:
        """What phones would show: parts joined by their headers."""
        joined: dict[object, dict[int, str]] = {}
        senders: dict[object, tuple[str, str]] = {}
        for place, event in enumerate(self.submitted):
            octets = event.short_message
            key: object = ("alone", place)
            part = 1
            if event.esm_class & 0x40:
                length, _element, _size, reference, _parts, part = octets[:6]
                key, octets = ("joined", event.destination_addr, reference), octets[length + 1 :]
            codec = find_codec_info("ucs2" if event.data_coding == 8 else "gsm0338")
            joined.setdefault(key, {})[part] = codec.decode(octets)[0]
            senders[key] = (f"+{event.destination_addr}", event.source_addr)
        return [
            Taken(senders[key][0], "".join(parts[n] for n in sorted(parts)), senders[key][1])
            for key, parts in joined.items()
        ]


@asynccontextmanager
async def smsc_running() -> AsyncIterator[Smsc]:
    """An SMSC, whose `port` is the proxy's."""
    (port,) = free_ports(1)
    smsc = Smsc(port)
    await smsc.smsc.start()
    await smsc.listen()
    serving = asyncio.create_task(smsc.serve())
    try:
        yield smsc
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        smsc.release()
        await smsc.refuse()
        await smsc.smsc.stop()

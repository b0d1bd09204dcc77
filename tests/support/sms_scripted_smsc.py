"""An SMSC that does what smpp34's cannot be told: refuse a bind, and keep still. smpp34 reads the PDUs."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import smpp34

BIND, UNBIND, ENQUIRE_LINK, SUBMIT = 0x09, 0x06, 0x15, 0x04
RESPONSE = 0x80000000


class ScriptedSmsc:
    """Answers every command it knows with `statuses`, 0 where there is none; none that is in `ignored`.

    Attributes:
        seen: the ids of all commands that came.
    """

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.ignored: set[int] = set()
        self.seen: list[int] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(4)
                pdu = head + await reader.readexactly(struct.unpack(">I", head)[0] - 4)
                command, sequence = self._read(pdu)
                self.seen.append(command)
                if command not in self.ignored and not command & RESPONSE:
                    body = b"m1\0" if command in (BIND, SUBMIT) else b""
                    status = self.statuses.get(command, 0)
                    writer.write(struct.pack(">IIII", 16 + len(body), command | RESPONSE, status, sequence) + body)
        writer.close()

    def _read(self, pdu: bytes) -> tuple[int, int]:
        read = smpp34.decode(pdu)
        return read.command_id, read.sequence_number


@asynccontextmanager
async def scripted_smsc() -> AsyncIterator[ScriptedSmsc]:
    """One that runs."""
    smsc = ScriptedSmsc()
    server = await asyncio.start_server(smsc.serve, "127.0.0.1", 0)
    smsc.port = server.sockets[0].getsockname()[1]
    try:
        yield smsc
    finally:
        server.close()

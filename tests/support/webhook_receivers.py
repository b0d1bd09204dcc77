"""Receivers of webhooks on loopback: HTTP servers on bare sockets, which can also misbehave."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Write = asyncio.StreamWriter


@dataclass(frozen=True)
class Received:
    """One request. Names of headers are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[Received, Write], Awaitable[None]]


@dataclass
class Receiver:
    """What arrived, and how it is answered: the next of `script`, or `behave`."""

    behave: Behaviour
    port: int = 0
    script: list[Behaviour] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    tls: bool = False

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/hook?token=secret-query"

    async def serve(self, reader: asyncio.StreamReader, writer: Write) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                self.open_now += 1
                self.most_open = max(self.most_open, self.open_now)
                try:
                    await (self.script.pop(0) if self.script else self.behave)(request, writer)
                finally:
                    self.open_now -= 1
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")[:-2]
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Received(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))))


def answering(status: int = 200, body: bytes = b"ok", after: float = 0, **headers: str) -> Behaviour:
    """Answers so, `after` seconds. Names of headers are written with `_` for `-`."""

    async def answer(_request: Received, writer: Write) -> None:
        await asyncio.sleep(after)
        lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return answer


def streaming(total: int | None, status: int = 200) -> Behaviour:
    """Says `status`, then sends `total` bytes, or goes on for ever."""

    async def stream(_request: Received, writer: Write) -> None:
        length = "transfer-encoding: chunked" if total is None else f"content-length: {total}"
        writer.write(f"HTTP/1.1 {status} OK\r\n{length}\r\n\r\n".encode())
        chunk, sent = b"x" * 65536, 0
        while total is None or sent < total:
            writer.write(b"10000\r\n" + chunk + b"\r\n" if total is None else chunk)
            await writer.drain()
            sent += len(chunk)

    return stream


async def silent(_request: Received, _writer: Write) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def dripping_headers(_request: Received, writer: Write) -> None:
    """Sends a header now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-drip: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def hanging_up(_request: Received, writer: Write) -> None:
    """Closes without an answer."""
    writer.transport.abort()


@asynccontextmanager
async def receiver(behave: Behaviour | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port of 127.0.0.1."""
    harness = Receiver(behave or answering(), tls=tls is not None)
    tasks: set[asyncio.Task[None]] = set()

    async def begin(reader: asyncio.StreamReader, writer: Write) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):  # a server's task that was cancelled would be logged as a mistake
            await harness.serve(reader, writer)
        tasks.discard(task)
        writer.close()

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls, backlog=1024)
    harness.port = server.sockets[0].getsockname()[1]
    try:
        yield harness
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

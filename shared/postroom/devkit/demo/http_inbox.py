"""Other people's HTTP servers, as the demo needs them: one that takes alerts, and one that takes signed webhooks."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

Found = TypeVar("Found")


class HttpInbox(ABC):
    """A server on loopback that takes what is posted to it. `with` starts and stops it."""

    def __init__(self) -> None:
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(inbox.take({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @abstractmethod
    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Keep it, and return the status to answer with. Names in `headers` are lower-case. Called in a thread."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class AlertInbox(HttpInbox):
    """A notification channel, as a chat's webhook would be."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: list[dict[str, Any]] = []

    @property
    def channel(self) -> str:
        """Its notification URL, for ALERTING_CHANNELS."""
        return f"json://127.0.0.1:{self.port}/"

    def take(self, _headers: Mapping[str, str], body: bytes) -> int:
        """See HttpInbox."""
        self.alerts.append(json.loads(body))
        return 204

    async def wait_for(self, words: str, within_seconds: float) -> dict[str, Any]:
        """The first alert with these words in it. TimeoutError if none comes."""

        def look() -> dict[str, Any] | None:
            return next((a for a in self.alerts if words in f"{a.get('title')} {a.get('message')}"), None)

        try:
            return await until(look, within_seconds)
        except TimeoutError:
            titles = [str(alert.get("title")) for alert in self.alerts]
            raise TimeoutError(f"none of {len(self.alerts)} alerts has {words!r}: {'; '.join(titles[-10:])}") from None


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """One webhook as it came, and what was answered."""

    webhook_id: str
    is_genuine: bool
    status: int
    received_at: float  # time.time()


class Partner(HttpInbox):
    """Somebody's API that checks signatures (Standard Webhooks) and is out of order for its first two calls."""

    def __init__(self) -> None:
        super().__init__()
        self._key = secrets.token_bytes(24)
        self.calls: list[ReceivedCall] = []

    @property
    def url(self) -> str:
        """Where it is called."""
        return f"http://127.0.0.1:{self.port}/orders"

    @property
    def secret(self) -> str:
        """What both sides sign with."""
        return "whsec_" + base64.b64encode(self._key).decode()

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """See HttpInbox."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        is_genuine = hmac.compare_digest(headers["webhook-signature"], expected)
        status = 403 if not is_genuine else 503 if len(self.calls) < 2 else 200
        self.calls.append(ReceivedCall(headers["webhook-id"], is_genuine, status, time.time()))
        return status

    async def call(self, number: int, within_seconds: float) -> ReceivedCall:
        """The call of that number, from 1. TimeoutError if it does not come."""
        return await until(lambda: self.calls[number - 1] if len(self.calls) >= number else None, within_seconds)


async def until(look: Callable[[], Found | None], within_seconds: float) -> Found:
    """What `look` finds, asked again and again. TimeoutError when it finds nothing in time."""
    async with asyncio.timeout(within_seconds):
        while (found := look()) is None:
            await asyncio.sleep(0.02)
        return found

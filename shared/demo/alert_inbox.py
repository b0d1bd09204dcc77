"""Where the demo's alerts arrive: a small HTTP server that keeps what is posted to it."""

import asyncio
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self


class AlertInbox:
    """A notification channel on loopback, as a chat's webhook would be. `with` starts and stops it."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.alerts.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def channel(self) -> str:
        """Its notification URL, for ALERTING_CHANNELS."""
        return f"json://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    async def wait_for(self, words: str, within_seconds: float) -> dict[str, Any]:
        """The first alert with these words in it. TimeoutError if none comes."""
        async with asyncio.timeout(within_seconds):
            while True:
                for alert in self.alerts:
                    if words in f"{alert.get('title')} {alert.get('message')}":
                        return alert
                await asyncio.sleep(0.05)

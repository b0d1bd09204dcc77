"""`/livez`, `/readyz` and `/metrics` of one service, for the orchestrator and for people.

Served from a thread of its own, so that an event loop that hangs is seen instead of hiding the answer.
"""

import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from postroom.wire.errors import ConfigurationError

HUNG_AFTER_SECONDS = 30.0
"""An event loop that has not turned for so long is not coming back: the orchestrator should restart it."""

Checks = Callable[[], dict[str, str]]
"""What stands in the way of working, by name; empty when the service is ready."""


Details = Callable[[], dict[str, Any]]
"""What is worth knowing although it does not stand in the way."""


class HealthServer:
    """The health port of one process.

    Args:
        host, port: where to listen; port 0 takes a free one.
        checks: asked at each `/readyz`.
        details: what `/readyz` says besides, ready or not.
    """

    def __init__(self, host: str, port: int, checks: Checks, details: Details = dict) -> None:
        self._checks = checks
        self._details = details
        self._last_turn = time.monotonic()
        try:
            self._server = ThreadingHTTPServer((host, port), self._handler())
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host}:{port} for health checks ({error.strerror}); set POSTROOM_HEALTH_PORT "
                "to a free port, or to 0 for any"
            ) from None
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="health", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def loop_turned(self) -> None:
        """Called by the event loop, to show that it is alive."""
        self._last_turn = time.monotonic()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a GET of `path`."""
        match path.partition("?")[0]:
            case "/livez":
                silent = time.monotonic() - self._last_turn
                return _json(silent < HUNG_AFTER_SECONDS, {"event_loop_silent_seconds": round(silent, 1)})
            case "/readyz":
                problems = self._checks()
                return _json(not problems, {"problems": problems, **self._details()})
            case "/metrics":
                return 200, CONTENT_TYPE_LATEST, generate_latest()
        return 404, "text/plain", b"Try /livez, /readyz or /metrics\n"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content_type, body = answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass  # a probe every few seconds is not worth a line

        return Handler


def _json(is_fine: bool, details: dict[str, Any]) -> tuple[int, str, bytes]:
    body = orjson.dumps({"status": "ok" if is_fine else "failing", **details}, option=orjson.OPT_APPEND_NEWLINE)
    return (200 if is_fine else 503), "application/json", body

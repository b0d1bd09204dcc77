"""Real servers that receive alerts: HTTP and SMTP."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.patience import REACTION, seconds


@dataclass
class HttpSink:
    """A web server that keeps what is posted to it, and can refuse."""

    port: int = 0
    status: int = 200
    requests: int = 0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    delay: threading.Event | None = None


@contextmanager
def serve_http() -> Iterator[HttpSink]:
    """A web server on a free port."""
    sink = HttpSink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sink.requests += 1
            if sink.delay is not None:
                sink.delay.wait(seconds(REACTION))
            if sink.status == 200:
                sink.bodies.append(body)
            self.send_response(sink.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")  # Slack's answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class MailSink:
    """An SMTP server's handler that keeps what it takes: the text, and whole messages."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.messages: list[Any] = []

    @property
    def whole(self) -> list[str]:
        """Subject and all texts of each mail."""
        return [
            "\n".join([mail["subject"], *(part.get_content() for part in mail.walk() if not part.is_multipart())])
            for mail in self.messages
        ]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        part = mail.get_body(("plain", "html"))
        assert part is not None
        self.messages.append(mail)
        self.mails.append(f"{mail['subject']}\n{part.get_content()}")
        return "250 OK"


class _MailServer(Controller):
    """An SMTP server on a port that it takes itself, so that nobody else can in between."""

    def __init__(self, handler: MailSink) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        super().__init__(handler, hostname="127.0.0.1", port=port, ready_timeout=seconds(REACTION))

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._socket)


@contextmanager
def serve_mail() -> Iterator[tuple[MailSink, int]]:
    """An SMTP server, and its port."""
    handler = MailSink()
    controller = _MailServer(handler)
    controller.start()
    port = controller.port
    try:
        yield handler, port
    finally:
        controller.stop()

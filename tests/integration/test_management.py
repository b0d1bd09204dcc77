"""The management API's client: what it reads, and what it says when it cannot."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from postroom.broker.management import Management, ManagementError, ManagementRefused, ManagementUnavailable, client
from postroom.settings import RuntimeSettings
from tests.support.brokers import VirtualHost

SECRET = "canary-password"


@pytest.fixture
def settings(vhost: VirtualHost) -> RuntimeSettings:
    return RuntimeSettings(amqp_url=vhost.amqp_url, management_url=vhost.management_url)


@pytest.fixture
def management(settings: RuntimeSettings) -> Iterator[Management]:
    with Management.from_settings(settings) as connected:
        yield connected


@pytest.fixture
def web_server() -> Iterator[str]:
    """Some web server that is not RabbitMQ."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if "vhosts" in self.path else 200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base class's name

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_queues_are_read_page_by_page(management: Management, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 2)
    names = [f"queue {number}/%" for number in range(5)]
    for name in names:
        management.create_queue(name, {"x-queue-type": "classic"})

    queues = management.queues()

    assert sorted(queue.name for queue in queues) == names
    assert {queue.type for queue in queues} == {"classic"}


def test_an_empty_virtual_host_has_no_queues(management: Management) -> None:
    assert management.queues() == []
    assert management.exchanges() == []
    assert management.bindings() == []


def test_a_binding_can_be_removed_whatever_its_key(management: Management) -> None:
    management.create_exchange("news", "topic", {})
    management.create_queue("reader", {})
    for key in ("", "#", "a/b c%~é"):
        management.bind("news", "reader", key)

    for binding in management.bindings():
        management.unbind(binding)

    assert management.bindings() == []


def test_a_virtual_host_with_any_name_can_be_made_and_removed(settings: RuntimeSettings) -> None:
    name = f"post/room ü {uuid4().hex[:12]}"  # the server is shared
    with Management(*settings.broker_management(), name) as management:
        management.create_virtual_host()
        assert name in management.virtual_hosts()
        management.create_queue("email.send", {"x-queue-type": "quorum"})
        assert [queue.type for queue in management.queues()] == ["quorum"]

        management.delete_virtual_host()

        assert name not in management.virtual_hosts()


def test_a_missing_virtual_host_is_named(settings: RuntimeSettings) -> None:
    with (
        Management(*settings.broker_management(), "nowhere") as management,
        pytest.raises(ManagementError, match=r"no virtual host 'nowhere': `rabbitmqctl add_vhost nowhere`"),
    ):
        management.queues()


def test_what_the_broker_refuses_is_told_with_its_reason(management: Management) -> None:
    management.create_exchange("news", "topic", {})

    with pytest.raises(ManagementError, match="inequivalent arg 'type' for exchange 'news'"):
        management.create_exchange("news", "fanout", {})


def test_a_wrong_password_is_refused_and_not_shown(settings: RuntimeSettings) -> None:
    base_url, user, _ = settings.broker_management()

    with Management(base_url, user, SECRET) as management, pytest.raises(ManagementRefused) as refused:
        management.version()

    assert f"user {user} may not GET /overview" in str(refused.value)
    assert SECRET not in str(refused.value) + repr(management)


def test_a_port_where_nobody_listens_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with (
            Management(f"http://127.0.0.1:{port}", "guest", SECRET) as management,
            pytest.raises(ManagementUnavailable, match=r"rabbitmq-plugins enable rabbitmq_management") as absent,
        ):
            management.version()

    assert SECRET not in str(absent.value)


def test_a_server_that_never_answers_is_left_after_the_time_limit() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        base_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            Management(base_url, "guest", SECRET, time_limit=timedelta(seconds=0.2)) as management,
            pytest.raises(ManagementUnavailable, match="took too long to answer GET /overview"),
        ):
            management.version()


NOT_FORMED = b'{"error":"bad_request","reason":"Cannot declare quorum queue on this node: cluster_not_formed"}'


@contextmanager
def broker_that_answers(*answers: tuple[int, bytes] | None) -> Iterator[tuple[str, list[str]]]:
    """A management API that gives these answers, one for each request; None ends the connection without one."""
    asked: list[str] = []

    class Api(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(self.command)
            answer = answers[len(asked) - 1]
            self.close_connection = True
            if answer is not None:
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

        do_GET = do_PUT  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.broker.management.connection.PAUSES_SECONDS", (0.0, 0.0, 0.0))


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("first", [None, (400, NOT_FORMED)], ids=["no answer", "a queue that could not be formed"])
def test_what_can_be_said_twice_is_said_again(first: tuple[int, bytes] | None) -> None:
    with (
        broker_that_answers(first, (201, b"")) as (url, asked),
        Management(url, "guest", SECRET) as management,
    ):
        management.create_exchange("news", "topic", {})

    assert asked == ["PUT", "PUT"]


@pytest.mark.usefixtures("no_pauses")
def test_a_question_that_the_broker_fails_at_is_asked_again() -> None:
    with (
        broker_that_answers((500, b""), (200, b"[]")) as (url, asked),
        Management(url, "guest", SECRET) as management,
    ):
        assert management.virtual_hosts() == []

    assert asked == ["GET", "GET"]


@pytest.mark.usefixtures("no_pauses")
def test_a_broker_that_goes_on_so_is_told_in_the_end() -> None:
    with (
        broker_that_answers(*[(400, NOT_FORMED)] * 4) as (url, asked),
        Management(url, "guest", SECRET) as management,
        pytest.raises(ManagementError, match="cluster_not_formed"),
    ):
        management.create_exchange("news", "topic", {})

    assert len(asked) == 4


def test_the_brokers_own_port_is_not_taken_for_the_api(vhost: VirtualHost) -> None:
    amqp = urlsplit(vhost.amqp_url)
    with (
        Management(f"http://{amqp.hostname}:{amqp.port}", "guest", SECRET) as management,
        pytest.raises(ManagementUnavailable, match="POSTROOM_MANAGEMENT_URL"),
    ):
        management.version()


def test_another_web_server_is_not_taken_for_the_api(web_server: str) -> None:
    with Management(web_server, "guest", SECRET) as management:
        for ask in (management.version, management.virtual_hosts):
            with pytest.raises(ManagementUnavailable, match="answers, but not as RabbitMQ's management API"):
                ask()

"""`postroom up`: everything on one machine, started, stopped, killed and started again."""

import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from postroom.installation import workers
from postroom.testing import eventually
from tests.support.crash_cli import Command, command, nothing_left
from tests.support.http import http_client
from tests.support.patience import COUNTED, PROCESS_ENDS, TAKEN_OVER
from tests.support.processes import postroom

pytestmark = pytest.mark.broker


@dataclass(frozen=True)
class Running:
    """What `up` said when it was ready."""

    command: Command
    amqp_url: str
    management_url: str

    async def users(self) -> set[str]:
        """The users of the broker that are connected now, some seconds late."""
        async with http_client(auth=("guest", "guest")) as api:
            answer = await api.get(f"{self.management_url}/api/connections")
        # One that has just begun is listed before it is known whose it is.
        return {connection.get("user", "?") for connection in answer.raise_for_status().json()}

    def listeners(self) -> list[psutil.Process]:
        """The processes behind every port that it named: broker, its management, the services."""
        urls = re.findall(r"(?:amqp|http)://[^\s│]+", self.command.said)
        ports = {urlsplit(url).port for url in urls}
        open_now = [each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
        return [psutil.Process(each.pid) for each in open_now if each.laddr.port in ports and each.pid]

    async def publish(self, subject: str) -> None:
        """`postroom publish` in another terminal, as `up` tells to do it."""
        body = json.dumps({"to": "ada@example.com", "subject": subject, "body": "Hi Ada"})
        done = await postroom("publish", "email.send", body, environment={"POSTROOM_AMQP_URL": self.amqp_url})
        assert done.code == 0, done.output


@contextmanager
def up(data: Path, output: Path, **environment: str) -> Iterator[Running]:
    """`postroom up`, ready."""
    with command(["up"], {"POSTROOM_DATA_DIR": str(data), **environment}, output) as started:
        started.says("Ctrl-C stops everything")
        found = re.search(r"export POSTROOM_AMQP_URL=(\S+)", started.said)
        management = re.search(r"export POSTROOM_MANAGEMENT_URL=(\S+)", started.said)
        assert found, started.said
        assert management, started.said
        yield Running(started, found[1], management[1])


@pytest.fixture
def mail_server_that_is_away() -> Iterator[str]:
    """The URL of a mail server that refuses connections; nobody else gets its port meanwhile."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"smtp://127.0.0.1:{reserved.getsockname()[1]}"


async def each_service_has_its_own(running: Running) -> bool:
    """Whether all services are connected, each as its own user, and none as the administrator."""
    return await running.users() == {f"postroom-{worker.service}" for worker in workers()}


def mails_in(data: Path, subject: str) -> list[Path]:
    """The mails with that subject in the data folder."""
    return [mail for mail in (data / "mail").glob("*.eml") if f"Subject: {subject}" in mail.read_text()]


async def all_gone(processes: list[psutil.Process]) -> None:
    """Wait until these processes have ended."""
    await eventually(lambda: not [each for each in processes if runs(each)], within=PROCESS_ENDS)


def runs(process: psutil.Process) -> bool:
    """Whether it is still there, and not only waiting to be buried."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_up_delivers_stops_whole_and_keeps_what_was_not_done_for_the_next_time(
    mail_server_that_is_away: str, tmp_path: Path
) -> None:
    data = tmp_path / "data of ours"
    with up(data, tmp_path / "first", EMAIL_SMTP_URL=mail_server_that_is_away) as first:
        await first.publish("Before the kill")
        listeners = first.listeners()
        assert len(listeners) >= 4  # broker, its management, two services

        first.command.process.send_signal(signal.SIGKILL)
        nothing_left([str(data)])
        await all_gone(listeners)

    with up(data, tmp_path / "second", EMAIL_SMTP_URL=mail_server_that_is_away) as second:
        await second.publish("Before the stop")
        await eventually(lambda: each_service_has_its_own(second), within=COUNTED)
        passwords = data / "broker-users.json"
        assert passwords.stat().st_mode & 0o777 == 0o600
        assert not [each for each in json.loads(passwords.read_text()).values() if each in second.command.said]
        listeners = second.listeners()

        second.command.control_c()
        assert second.command.wait() == 0, second.command.said
        nothing_left([str(data)])
        await all_gone(listeners)

    with up(data, tmp_path / "third") as third:
        await third.publish("Now")
        for subject in ("Now", "Before the stop", "Before the kill"):
            await eventually(lambda subject=subject: mails_in(data, subject), within=TAKEN_OVER)
        third.command.control_c()
        assert third.command.wait() == 0, third.command.said
    assert len(list((data / "mail").glob("*.eml"))) == 3


@pytest.mark.parametrize("moment", ["starting a private RabbitMQ", "Health at"])
def test_ctrl_c_while_up_is_starting_leaves_nothing_behind(moment: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with command(["up"], {"POSTROOM_DATA_DIR": str(data)}, tmp_path / "output") as starting:
        starting.says(moment)
        starting.control_c()
        code = starting.wait()

        nothing_left([str(data)])
    assert "Traceback" not in starting.said, starting.said
    assert code in (0, 130), starting.said

"""`postroom up`: everything on one machine, started, stopped, killed and started again."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from shared.broker_node.ports import is_free
from shared.discovery import discover
from shared.testing import eventually
from tests.support.crash_cli import Command, command, nothing_left
from tests.support.patience import COUNTED, PROCESS_STARTS, REACTION, seconds
from tests.support.processes import PROJECT

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Running:
    """What `up` said when it was ready."""

    command: Command
    amqp_url: str
    management_url: str

    async def users(self) -> set[str]:
        """The users of the broker that are connected now, some seconds late."""
        async with httpx.AsyncClient(auth=("guest", "guest"), timeout=seconds(REACTION), trust_env=False) as api:
            answer = await api.get(f"{self.management_url}/api/connections")
        return {connection["user"] for connection in answer.raise_for_status().json()}

    @property
    def ports(self) -> list[int]:
        """Every port it named."""
        urls = re.findall(r"(?:amqp|http)://[^\s│]+", self.command.said)
        return sorted({port for url in urls if (port := urlsplit(url).port)})

    def publish(self, subject: str, *options: str) -> None:
        """`postroom publish` in another terminal, as `up` tells to do it."""
        body = json.dumps({"to": "ada@example.com", "subject": subject, "body": "Hi Ada"})
        subprocess.run(
            [sys.executable, "-m", "shared.cli", "publish", "email.send", body, *options],
            cwd=PROJECT,
            env={"POSTROOM_AMQP_URL": self.amqp_url},
            check=True,
            timeout=seconds(PROCESS_STARTS),
            capture_output=True,
        )


@contextmanager
def up(data: Path, output: Path) -> Iterator[Running]:
    """`postroom up`, ready."""
    with command(["up"], {"POSTROOM_DATA_DIR": str(data)}, output) as started:
        started.says("Ctrl-C stops everything")
        found = re.search(r"export POSTROOM_AMQP_URL=(\S+)", started.said)
        management = re.search(r"export POSTROOM_MANAGEMENT_URL=(\S+)", started.said)
        assert found, started.said
        assert management, started.said
        yield Running(started, found[1], management[1])


async def each_service_has_its_own(running: Running) -> bool:
    """Whether all services are connected, each as its own user, and none as the administrator."""
    return await running.users() == {f"postroom-{worker.service}" for worker in discover().workers}


def mails_in(data: Path, subject: str) -> list[Path]:
    """The mails with that subject in the data folder."""
    return [mail for mail in (data / "mail").glob("*.eml") if f"Subject: {subject}" in mail.read_text()]


async def test_up_delivers_stops_whole_and_keeps_what_was_not_done_for_the_next_time(tmp_path: Path) -> None:
    data = tmp_path / "data of ours"
    with up(data, tmp_path / "first") as first:
        first.publish("Now")
        await eventually(lambda: mails_in(data, "Now"))
        first.publish("Later", "--delay", "4")
        assert len(first.ports) >= 4  # broker, its management, two services
        await eventually(lambda: each_service_has_its_own(first), within=COUNTED)
        passwords = data / "broker-users.json"
        assert passwords.stat().st_mode & 0o777 == 0o600
        assert not [each for each in json.loads(passwords.read_text()).values() if each in first.command.said]

        first.command.control_c()
        assert first.command.wait() == 0, first.command.said
        nothing_left([str(data)])
        assert all(is_free(port) for port in first.ports)
        assert not mails_in(data, "Later")

    with up(data, tmp_path / "second") as second:
        await eventually(lambda: mails_in(data, "Later"))
        second.publish("After the kill", "--delay", "4")

        second.command.process.send_signal(signal.SIGKILL)
        nothing_left([str(data)])
        assert all(is_free(port) for port in second.ports)

    with up(data, tmp_path / "third") as third:
        await eventually(lambda: mails_in(data, "After the kill"))
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

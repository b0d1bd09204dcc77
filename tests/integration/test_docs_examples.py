"""The programs in examples/ publish to a real broker, and the mail arrives at a real mail server."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.email.app import adapters
from services.email.handlers import worker
from shared.discovery import discover
from shared.mailbox import MailServer
from shared.management import Management
from shared.settings import RuntimeSettings
from shared.testing import running_with
from shared.topology import build_topology
from shared.topology.application import apply_topology
from tests.support.documents import ROOT
from tests.support.patience import REACTION, seconds

EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Program:
    """One example. Where Debian's packages put client libraries is in its environment."""

    file: str
    language: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def missing(self) -> str:
        """What is not installed here."""
        absent = [] if shutil.which(self.command[0]) else [self.command[0]]
        return ", ".join([*absent, *(path for path in self.needs if not Path(path).exists())])


JARS = ("/usr/share/java/amqp-client.jar", "/usr/share/java/slf4j-api.jar", "/usr/share/java/slf4j-nop.jar")
NODE_MODULES = Path(os.environ.get("NODE_PATH") or EXAMPLES / "node_modules")
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""}
PHP_AUTOLOAD = "/usr/share/php/PhpAmqpLib/autoload.php"

PROGRAMS = [
    Program("publish.py", "Python", (sys.executable,)),
    Program("publish_with_postroom.py", "a web application", (sys.executable,), {"PYTHONPATH": str(ROOT)}),
    Program("publish.sh", "curl", ("sh",), needs=(shutil.which("curl") or "curl",)),
    Program("publish.js", "Node", ("node",), {"NODE_PATH": str(NODE_MODULES)}, (str(NODE_MODULES / "amqplib"),)),
    Program("publish.go", "Go", ("go", "run"), GO, ("/usr/share/gocode/src/github.com/rabbitmq/amqp091-go",)),
    Program("Publish.java", "Java", ("java", "-cp", ":".join(JARS)), needs=JARS),
    Program("publish.php", "PHP", ("php",), {"PHP_AUTOLOAD": PHP_AUTOLOAD}, (PHP_AUTOLOAD,)),
]


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


@pytest.fixture
async def environment(
    vhost: Any, mail_server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, str]]:
    """What a publisher is told, while the e-mail service runs."""
    monkeypatch.setenv("EMAIL_SMTP_URL", mail_server.url)
    settings = RuntimeSettings(
        amqp_url=vhost.amqp_url, management_url=vhost.management_url, data_dir=tmp_path, health_port=0
    )
    subscriptions = (each for one in discover().workers for each in one.subscriptions.values())
    with Management.from_settings(settings) as management:
        apply_topology(build_topology(subscriptions), management)
    management_url = urlsplit(vhost.management_url)
    async with running_with(worker, adapters, settings):
        yield {
            "POSTROOM_AMQP_URL": vhost.amqp_url,
            "POSTROOM_MANAGEMENT_URL": f"http://{vhost.user}:{vhost.password}@{management_url.netloc}",
            "VIRTUAL_HOST": vhost.name,
            "GOCACHE": str(tmp_path / "go"),
        }


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(
            program,
            id=program.file,
            marks=pytest.mark.skipif(bool(program.missing()), reason=f"not installed: {program.missing()}"),
        )
        for program in PROGRAMS
    ],
)
async def test_a_mail_arrives_that_the_example_published(
    program: Program, environment: dict[str, str], mail_server: MailServer
) -> None:
    process = await asyncio.create_subprocess_exec(
        *program.command,
        program.file,
        cwd=EXAMPLES,
        env={**os.environ, **environment, **program.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()
    async with asyncio.timeout(seconds(REACTION)):
        (mail,) = await mail_server.received(1, to="ada@example.com")
    assert mail.subject == f"Hello from {program.language}"


def test_every_example_is_run() -> None:
    files = {path.name for path in EXAMPLES.iterdir() if path.is_file() and path.suffix != ".md"}

    assert files == {program.file for program in PROGRAMS}

"""The programs in examples/ publish to a real broker, and the mail arrives at a real mail server."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from postroom.broker.management import Management
from postroom.broker.topology import build_topology
from postroom.broker.topology.application import apply_topology
from postroom.devkit.mailbox import MailServer
from postroom.installation import workers
from postroom.settings import RuntimeSettings
from postroom.testing import running_service
from postroom_email.service import service as email_service
from tests.support.documents import ROOT
from tests.support.missing import missing, setup_system
from tests.support.patience import REACTION, seconds
from tests.support.processes import run
from tests.support.wheels import build_wheels, installed_in, make_environment

EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Program:
    """One example.

    Attributes:
        environment: says among others where Debian's packages put a client library.
        needs: programs, and paths of client libraries.
        remedy: what installs them.
    """

    file: str
    language: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    remedy: str = ""


JARS = ("/usr/share/java/amqp-client.jar", "/usr/share/java/slf4j-api.jar", "/usr/share/java/slf4j-nop.jar")
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""}
BARE_PYTHON = "bare-python"
"""Of an environment with the web frameworks, and with Postroom as `pip install postroom` brings it: no extras."""
PHP_AUTOLOAD = "/usr/share/php/PhpAmqpLib/autoload.php"

PROGRAMS = [
    Program("publish.py", "Python", (sys.executable,)),
    Program("publish_with_postroom.py", "a web application", (BARE_PYTHON,)),
    Program("flask_app.py", "Flask", (BARE_PYTHON,)),
    Program("django_app.py", "Django", (BARE_PYTHON,)),
    Program("fastapi_app.py", "FastAPI", (BARE_PYTHON,)),
    Program("publish.sh", "curl", ("sh",), needs=("curl",), remedy=setup_system("curl")),
    Program(
        *("publish.js", "Node", ("node",)),
        needs=("node", str(EXAMPLES / "node_modules" / "amqplib")),
        remedy="`make setup-system`, or install Node with npm and run `npm install --no-save amqplib` in examples/",
    ),
    Program(
        *("publish.go", "Go", ("go", "run"), GO),
        needs=("go", f"{GO['GOPATH']}/src/github.com/rabbitmq/amqp091-go"),
        remedy=setup_system("golang-go", "golang-github-rabbitmq-amqp091-go-dev"),
    ),
    Program(
        *("Publish.java", "Java", ("java", "-cp", ":".join(JARS))),
        needs=("javac", *JARS),  # without the compiler `java` runs no source file
        remedy=setup_system("default-jdk-headless", "librabbitmq-client-java", "libslf4j-java"),
    ),
    Program(
        *("publish.php", "PHP", ("php",), {"PHP_AUTOLOAD": PHP_AUTOLOAD}),
        needs=("php", PHP_AUTOLOAD),
        remedy=setup_system("php-cli", "php-amqplib"),
    ),
]


@pytest.fixture(params=PROGRAMS, ids=[program.file for program in PROGRAMS])
def program(request: pytest.FixtureRequest) -> Program:
    """Each example whose language and client library are here."""
    example: Program = request.param
    if not all(shutil.which(need) or Path(need).exists() for need in example.needs):
        missing(f"{example.language} or its client library is not installed", example.remedy)
    return example


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter that BARE_PYTHON stands for."""
    folder = tmp_path_factory.mktemp("bare")
    build_wheels(folder / "wheels")
    programs = make_environment(
        folder / "environment", folder / "wheels", "postroom", "django", "fastapi", "flask", "httpx"
    )
    return programs / "python"


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with MailServer() as server:
        yield server


@pytest.fixture
async def environment(
    vhost: Any, mail_server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, str]]:
    """What a publisher sees, while the e-mail service runs."""
    monkeypatch.setenv("EMAIL_SMTP_URL", mail_server.url)
    settings = RuntimeSettings(
        amqp_url=vhost.amqp_url, management_url=vhost.management_url, data_dir=tmp_path, health_port=0
    )
    subscriptions = (each for one in workers() for each in one.subscriptions.values())
    with Management.from_settings(settings) as management:
        apply_topology(build_topology(subscriptions), management)
    management_url = urlsplit(vhost.management_url)
    async with running_service(email_service, settings):
        yield {
            "POSTROOM_AMQP_URL": vhost.amqp_url,
            "POSTROOM_MANAGEMENT_URL": f"http://{vhost.user}:{vhost.password}@{management_url.netloc}",
            "VIRTUAL_HOST": vhost.name,
            "GOCACHE": str(tmp_path / "go"),
        }


async def test_a_mail_arrives_that_the_example_published(
    program: Program, environment: dict[str, str], mail_server: MailServer, request: pytest.FixtureRequest
) -> None:
    command = program.command
    if command == (BARE_PYTHON,):
        command = (str(request.getfixturevalue("bare_python")),)
    ended = await run(*command, program.file, cwd=EXAMPLES, environment=environment | program.environment)

    assert ended.code == 0, ended.output
    async with asyncio.timeout(seconds(REACTION)):
        (mail,) = await mail_server.received(1, to="ada@example.com")
    assert mail.subject == f"Hello from {program.language}"


def test_without_extras_at_most_15_distributions_are_installed(tmp_path: Path) -> None:
    build_wheels(tmp_path / "wheels")

    found = installed_in(make_environment(tmp_path / "environment", tmp_path / "wheels", "postroom"))

    assert "postroom" in found
    assert len(found) <= 15, found


def test_every_example_is_run() -> None:
    files = {path.name for path in EXAMPLES.iterdir() if path.is_file() and path.suffix != ".md"}

    assert files == {program.file for program in PROGRAMS}

"""docs/adding-a-job.md as it stands: its files are written into a copy of the project, its commands are run."""

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from postroom.testing import eventually
from tests.support.documents import ROOT, document
from tests.support.patience import PROCESS_ENDS, PROCESS_STARTS, seconds
from tests.support.processes import run, running, show_when_red

PAGE = document("docs/adding-a-job.md")
PYTHON = Path(sys.executable).parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with the files of the page in it."""
    for folder in ("services", "shared"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, source in PAGE.files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    return tmp_path


@pytest.fixture
def environment(project: Path, vhost: Any) -> dict[str, str]:
    management = urlsplit(vhost.management_url)
    return {
        "PYTHONPATH": f"{project}:{project}/shared",
        "POSTROOM_AMQP_URL": vhost.amqp_url,
        "POSTROOM_MANAGEMENT_URL": f"http://{vhost.user}:{vhost.password}@{management.netloc}",
        "POSTROOM_DATA_DIR": str(project / "var"),
        "POSTROOM_HEALTH_PORT": "0",
        "POSTROOM_LOG_FORMAT": "text",
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }


async def test_the_job_of_the_page_passes_its_test_and_the_gate(project: Path) -> None:
    (command,) = [line for line in _commands() if line.startswith("pytest")]
    environment = {"PYTHONPATH": f"{project}:{project}/shared"}

    await _run(f"{command} -q -p no:cacheprovider", project, environment)
    await _run("ruff check --no-cache services/chat tests", project, environment)
    await _run("ruff format --check --no-cache services/chat tests", project, environment)


def test_message_handler_and_test_are_short() -> None:
    files = PAGE.files()
    handlers, test = files["services/chat/handlers.py"], files["tests/unit/services/chat/test_chat_handlers.py"]
    message = handlers[handlers.index("class PostLine") : handlers.index("class Rooms")]
    handler = handlers[handlers.index("@worker.handles") :]

    code = [line for part in (message, handler, test) for line in part.splitlines() if line.strip()]
    assert len(code) <= 25


async def test_the_commands_of_the_page_do_what_it_says(project: Path, environment: dict[str, str], vhost: Any) -> None:
    apply, start, publish, curl, show = [line for line in _commands() if not line.startswith("pytest")]
    await _run(apply, project, environment)

    async with _ready(start, project, environment) as log:
        await _run(publish, project, environment)
        await eventually(lambda: log.read_text().count("Hello in #ops (line-1)") == 1)
        await _run(publish, project, environment)
        await _run(_at(vhost, curl), project, environment)
        await eventually(lambda: "Dead letter" in log.read_text())

        assert "text: Field required" in await _run(show, project, environment)
        assert log.read_text().count("Hello in #ops (line-1)") == 1


def _commands() -> list[str]:
    """The lines of the page's shell blocks; a curl goes over two."""
    text = "\n".join(PAGE.blocks("sh"))
    return re.findall(r"^\w+ (?:[^'\n]|'[^']*')+$", text, re.MULTILINE)


def _at(vhost: Any, curl: str) -> str:
    """The curl of the page with the address of this test's virtual host."""
    management = urlsplit(vhost.management_url)
    moved = curl.replace("127.0.0.1:15672", management.netloc).replace("%2F", vhost.name)
    return moved.replace("guest:guest", f"{vhost.user}:{vhost.password}")


async def _run(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    ended = await run(*_arguments(command), cwd=folder, environment=environment)
    assert ended.code == 0, f"{command}\n{ended.output}"
    return ended.output


@asynccontextmanager
async def _ready(command: str, folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Path]:
    """The service that the command starts, ready, and its log; it stops in good order unless the test has failed."""
    log = folder / "log"
    show_when_red(command, log)
    process = _start(command, folder, environment, log)
    with running(process):
        await eventually(lambda: "Ready: reading chat.post" in log.read_text(), within=PROCESS_STARTS)
        yield log
        process.terminate()
        assert await asyncio.to_thread(process.wait, seconds(PROCESS_ENDS)) == 0


def _start(command: str, folder: Path, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            _arguments(command), cwd=folder, env={**os.environ, **environment}, stdout=output, stderr=output
        )


def _arguments(command: str) -> list[str]:
    program, *arguments = shlex.split(command)
    if program == "postroom":  # the script would find the installed project, not the copy
        return [sys.executable, "-m", "postroom.operator.cli", *arguments]
    return [str(PYTHON / program) if (PYTHON / program).exists() else program, *arguments]

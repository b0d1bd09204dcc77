"""docs/adding-a-job.md as it stands: from built wheels, in an empty folder, its commands are run."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from postroom.operator.scaffold import NewService, write_service
from postroom.testing import eventually
from tests.support.documents import ROOT, document
from tests.support.patience import PROCESS_ENDS, PROCESS_STARTS, WORK, patience, seconds
from tests.support.processes import run, running, show_when_red
from tests.support.wheels import ENVIRONMENT, UV, build_wheels, locked_versions, make_environment

PAGE = document("docs/adding-a-job.md")
PROGRAMS = UV.parent
COMMANDS = re.findall(r"^\w+ (?:[^'\n]|'[^']*')+$", "\n".join(PAGE.blocks("sh")), re.MULTILINE)
"""The lines of the page's shell blocks; a curl goes over two."""


@dataclass(frozen=True)
class Newcomer:
    """Somebody with an empty folder, the command line from a wheel, and an application with packages called as ours."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def project(self) -> Path:
        """What `postroom new service` writes."""
        return self.folder / "thumbnails"

    async def types(self, command: str, *, where: Path | None = None) -> str:
        """What a command says, which has to succeed."""
        ended = await run(*self.arguments(command), cwd=where or self.project, environment=self.environment)
        assert ended.code == 0, f"{command}\n{ended.output}"
        return ended.output

    def arguments(self, command: str) -> list[str]:
        """What has a shell do it."""
        return ["sh", "-c", command]


@pytest.fixture
async def newcomer(tmp_path: Path, vhost: Any, postgres_url: str) -> Newcomer:
    wheels = tmp_path / "wheels"
    await asyncio.to_thread(build_wheels, wheels)
    await asyncio.to_thread(make_environment, tmp_path / "environment", wheels, "postroom[cli]")
    for package in ("shared", "services"):
        (tmp_path / "application" / package).mkdir(parents=True)
        (tmp_path / "application" / package / "__init__.py").write_text("raise SystemExit('that is the application')")
    management = urlsplit(vhost.management_url)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/uv").symlink_to(UV)
    (tmp_path / "bin/postroom").symlink_to(tmp_path / "environment/bin/postroom")
    own = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "UV_FIND_LINKS": str(wheels),
        "PYTHONPATH": str(tmp_path / "application"),
        "POSTROOM_AMQP_URL": vhost.amqp_url,
        "POSTROOM_MANAGEMENT_URL": f"http://{vhost.user}:{vhost.password}@{management.netloc}",
        "POSTROOM_DATABASE_URL": postgres_url,
        "POSTROOM_LOG_FORMAT": "text",
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }
    return Newcomer(tmp_path, {**ENVIRONMENT, "VIRTUAL_ENV": "", **own})


async def test_from_an_empty_folder_to_a_job_that_is_done_dead_alerted_and_replayed(
    newcomer: Newcomer, vhost: Any
) -> None:
    new, _cd, test, up, publish, history, curl, show, alerts, replay = COMMANDS[:10]
    await newcomer.types(new, where=newcomer.folder)
    _keep_to_the_lock(newcomer.project)
    assert "2 passed" in await newcomer.types(test)
    for tool in ("ruff check .", "ruff format --check .", "mypy"):
        await newcomer.types(f"uv run {tool}")

    async with _up(newcomer, up) as log:
        await newcomer.types(publish)
        await eventually(lambda: log.read_text().count("a.png is done (job-1)") == 1)
        await newcomer.types(publish)
        await newcomer.types(_at(vhost, curl))
        await eventually(lambda: "Dead letter" in log.read_text())

        assert "source: Field required" in await newcomer.types(show)
        await _says(newcomer, alerts, "thumbnails.make")
        await _says(newcomer, f"{history.removesuffix('job-1')}job-2", "dead letter")
        await newcomer.types(replay)
        await eventually(lambda: log.read_text().count("b.png is done (job-2)") == 1)
        await _says(newcomer, f"{history.removesuffix('job-1')}job-2", "replayed")
        await eventually(lambda: _has_no_open_alert(newcomer, alerts), within=patience(WORK))
        assert log.read_text().count("a.png is done (job-1)") == 1


async def test_in_this_repository_it_is_a_member_of_the_workspace_and_passes_the_gate(tmp_path: Path) -> None:
    new, *_make = COMMANDS[10:]
    for name in ("pyproject.toml", "uv.lock", "shared", "services"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    newcomer = Newcomer(
        tmp_path, {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": "services/chat"}
    )

    await newcomer.types(new, where=tmp_path)
    locked = await run(UV, "lock", cwd=tmp_path, environment=ENVIRONMENT)
    await newcomer.types(
        "ruff check --quiet --fix-only --no-cache . && ruff format --quiet --no-cache .", where=tmp_path
    )
    await newcomer.types("ruff check --no-cache services/chat && mypy services/chat/postroom_chat", where=tmp_path)
    tested = await newcomer.types("pytest -p no:cacheprovider services/chat/tests/test_handlers.py", where=tmp_path)

    assert locked.code == 0, locked.output
    assert 'name = "chat"\n' in (tmp_path / "uv.lock").read_text()
    assert "1 passed" in tested


def test_the_page_shows_what_is_written(tmp_path: Path) -> None:
    write_service(NewService("thumbnails"), tmp_path)
    shown = PAGE.files()

    assert shown
    assert shown == {name: (tmp_path / name).read_text() for name in shown}


def test_message_handler_and_test_are_short() -> None:
    files = PAGE.files()
    handlers, test = files["thumbnails_service/handlers.py"], files["tests/test_handlers.py"]
    message, handler = files["thumbnails_service/messages.py"], handlers[handlers.index("@worker.handles") :]
    message, test = message[message.index("class ") :], test[test.index("async def test") :]

    code = [line for part in (message, handler, test) for line in part.splitlines() if line.strip()]
    assert len(code) <= 25


def test_another_job_takes_ten_lines() -> None:
    (block,) = [block for block in PAGE.blocks("python") if "Forget" in block]

    assert len([line for line in block.splitlines() if line.strip()]) <= 10


def _keep_to_the_lock(project: Path) -> None:
    """No newer versions than those that this project was tested with."""
    versions = "".join(f"    {version!r},\n" for version in locked_versions())
    with (project / "pyproject.toml").open("a") as file:
        file.write(f"\n[tool.uv]\nconstraint-dependencies = [\n{versions}]\n")


async def _says(newcomer: Newcomer, command: str, text: str) -> None:
    async def says() -> bool:
        ended = await run(*newcomer.arguments(command), cwd=newcomer.project, environment=newcomer.environment)
        return text in ended.output

    await eventually(says, within=patience(WORK))


async def _has_no_open_alert(newcomer: Newcomer, command: str) -> bool:
    ended = await run(*newcomer.arguments(command), cwd=newcomer.project, environment=newcomer.environment)
    return "thumbnails.make" not in ended.output


def _at(vhost: Any, curl: str) -> str:
    """The curl of the page with the address of this test's virtual host."""
    management = urlsplit(vhost.management_url)
    moved = curl.replace("127.0.0.1:15672", management.netloc).replace("%2F", vhost.name)
    return moved.replace("guest:guest", f"{vhost.user}:{vhost.password}")


@asynccontextmanager
async def _up(newcomer: Newcomer, command: str) -> AsyncIterator[Path]:
    """Everything that the command starts, ready, and its log; it stops in good order unless the test has failed."""
    log = newcomer.folder / "log"
    show_when_red(command, log)
    process = _start(newcomer, command, log)
    with running(process):
        try:
            await eventually(lambda: "Ctrl-C stops everything" in log.read_text(), within=3 * PROCESS_STARTS)
            yield log
        finally:  # uv hands a SIGTERM on to what it runs, and could not do so with a SIGKILL
            process.terminate()
            code = await asyncio.to_thread(process.wait, seconds(3 * PROCESS_ENDS))
        assert code == 0


def _start(newcomer: Newcomer, command: str, log: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **newcomer.environment}
    with log.open("wb") as output:
        return subprocess.Popen(
            newcomer.arguments(f"exec {command}"), cwd=newcomer.project, env=environment, stdout=output, stderr=output
        )

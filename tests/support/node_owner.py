"""A process that owns a RabbitMQ node, and whether anything of it is left."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from postroom.devkit.broker_node.readiness import accepts_connections, host_and_port
from postroom.testing import eventually
from tests.support.patience import PROCESS_ENDS

PROJECT = Path(__file__).parents[2]
BEGIN = '{"amqp_url"'


@contextmanager
def owner_process(
    folder: Path, *arguments: str, python: str = sys.executable, user: str | None = None, remove: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A Python process whose temporary folder is `folder`; ended at the end if it has not by itself."""
    unset = {"POSTROOM_AMQP_URL", "POSTROOM_MANAGEMENT_URL", *remove}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    process = subprocess.Popen(
        [python, *(arguments or ("-m", "postroom.devkit.broker_node", "--json"))],
        cwd=PROJECT,
        env=environment
        | {"TMPDIR": str(folder), "PYTHONPATH": f"{PROJECT}/shared:{packages}", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        **({"user": user, "group": "nogroup", "extra_groups": []} if user else {}),  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def running_owner(
    folder: Path, *arguments: str, python: str = sys.executable, user: str | None = None, remove: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], Mapping[str, str]]]:
    """Such a process and what it prints about its node, as soon as that runs."""
    with owner_process(folder, *arguments, python=python, user=user, remove=remove) as owner:
        assert owner.stdout is not None
        lines = iter(owner.stdout.readline, "")
        found = next((line[line.index(BEGIN) :] for line in lines if BEGIN in line), None)
        assert found is not None, "it ended before its node ran"
        yield owner, json.loads(found)


async def nothing_is_left_of(node: Mapping[str, str], folder: Path) -> None:
    address = host_and_port(node["amqp_url"])
    await eventually(lambda: not accepts_connections(*address), PROCESS_ENDS)
    await eventually(lambda: [path.name for path in folder.iterdir()] == [], PROCESS_ENDS)
    await eventually(lambda: processes_in(folder) == [], PROCESS_ENDS)


def processes_in(folder: Path) -> list[str]:
    """The commands that still work with something below `folder`; each node works in it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        command, place = " ".join(process.info["cmdline"] or ()), process.info["cwd"] or ""
        if f"{folder}/postroom-" in f"{command} {place}" and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(command)
    return found


def listener_on(node: Mapping[str, str]) -> int:
    _, port = host_and_port(node["amqp_url"])
    (pid,) = {
        found.pid
        for found in psutil.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.laddr.port == port and found.pid
    }
    return pid


def python_for(user: str) -> str:
    """A Python of our version that `user` may run."""
    version: Callable[[str], str] = lambda python: subprocess.run(  # noqa: E731
        [python, "-c", "import sys; print(sys.version_info[:2])"],
        user=user,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if version(python) == str(sys.version_info[:2]):
                return python
        except OSError:
            continue
    major, minor, *_ = sys.version_info
    pytest.skip(f"the user {user} may run no Python {major}.{minor} here: install that as /usr/bin/python3")

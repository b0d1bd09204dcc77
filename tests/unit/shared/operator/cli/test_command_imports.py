"""What a command loads: a command line is used by hand, so it begins at once, and by scripts, thousands of times."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from postroom.operator.cli import COMMANDS

CLOSED = "amqp://guest:guest@127.0.0.1:1/"
PROGRAM = """
import gc, sys
from postroom.operator import main
try:
    main()
except SystemExit as end:
    sys.stdout.flush()
    print(end.code or 0, gc.isenabled(), *sorted(sys.modules), file=sys.stderr)
"""
HEAVY = {
    *("aio_pika", "aiohttp", "aiosqlite", "alembic", "apprise", "asyncpg", "cryptography", "faststream", "httpx"),
    *("jinja2", "obstore", "opentelemetry", "opentelemetry.sdk", "prometheus_client", "pydantic", "sqlalchemy"),
    *("sqlmodel", "typst", "uvloop", "xlsxwriter", "yaml"),
}
PUBLISH = ("publish", "email.send", '{"to": "ada@example.com", "subject": "Hello", "body": "Hi Ada"}')


@dataclass(frozen=True)
class Ended:
    """How `postroom …` ended, and which modules it had loaded by then."""

    code: int
    modules: frozenset[str]
    is_collecting: bool
    output: str

    @property
    def heavy(self) -> set[str]:
        """What of it takes long to load."""
        return HEAVY & self.modules

    @property
    def of_services(self) -> set[str]:
        """Modules of services, but for their declarations."""
        return {
            name
            for name in self.modules
            if name.startswith("postroom_") and "." in name and not name.endswith(".service")
        }


def postroom(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Ended:
    """Run `postroom …` where no broker answers and no service ever ran."""
    given = {"POSTROOM_AMQP_URL": CLOSED, "POSTROOM_DATA_DIR": str(folder), **(environment or {})}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, **given}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    code, is_collecting, *modules = done.stderr.splitlines()[-1].split()
    return Ended(int(code), frozenset(modules), is_collecting == "True", done.stdout)


@pytest.mark.parametrize(
    ("argument", "needed"),
    [("--help", set[str]()), ("no-such-command", {"pydantic"})],  # by which typer reads options
)
def test_help_loads_no_command_and_no_service(argument: str, needed: set[str], tmp_path: Path) -> None:
    ended = postroom(tmp_path, argument)

    assert ended.heavy <= needed
    assert ended.of_services == set()
    assert {each.app.partition(":")[0] for each in COMMANDS} & ended.modules == set()


def test_the_shell_is_given_all_names_without_loading_them(tmp_path: Path) -> None:
    asked = {"_POSTROOM_COMPLETE": "complete_bash", "COMP_WORDS": "postroom ", "COMP_CWORD": "1"}

    ended = postroom(tmp_path, environment=asked)

    assert {"publish", "schedules", "alerts", "cancel"} <= set(ended.output.split())
    assert (ended.heavy, ended.of_services) == (set(), set())


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (PUBLISH, {"aio_pika", "opentelemetry", "pydantic"}),
        (("status",), {"httpx", "pydantic"}),
        (("dead", "show", "email.send.dead"), {"aio_pika", "opentelemetry", "pydantic"}),
    ],
    ids=["publish", "status", "dead show"],
)
def test_a_command_loads_what_it_needs(arguments: tuple[str, ...], needed: set[str], tmp_path: Path) -> None:
    ended = postroom(tmp_path, *arguments)

    assert ended.code == 3  # it had begun: the broker did not answer
    assert ended.heavy <= needed
    assert {name for name in ended.of_services if not name.endswith((".read_ports", ".monitor", ".settings"))} == set()
    assert ended.is_collecting


def test_a_kind_that_is_not_shipped_is_sought_in_the_services(tmp_path: Path) -> None:
    ended = postroom(tmp_path, "publish", "garden.water", "{}")

    assert ended.code == 2
    assert "postroom_email.handlers" in ended.modules

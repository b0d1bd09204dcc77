import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from postroom.broker.management import ManagementError, ManagementRefused, ManagementUnavailable
from postroom.operator.cli import app
from postroom.operator.cli.groups import CommandGroup, exit_code_of
from postroom.terminal import ExitCode, print_json
from postroom.wire.errors import BrokerUnavailable, ConfigurationError, PostroomError, TopologyError

run = CliRunner().invoke


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError, ExitCode.USAGE),
        (BrokerUnavailable, ExitCode.UNREACHABLE),
        (ManagementUnavailable, ExitCode.UNREACHABLE),
        (ManagementRefused, ExitCode.UNREACHABLE),
        (ManagementError, ExitCode.PROBLEMS),
        (TopologyError, ExitCode.PROBLEMS),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: type[PostroomError], code: ExitCode) -> None:
    assert exit_code_of(error("no")) == code


def test_an_error_is_one_line_on_stderr_without_a_traceback() -> None:
    failing = typer.Typer(cls=CommandGroup)

    @failing.command()
    def fail() -> None:
        raise BrokerUnavailable("no broker at amqp://[::1]:5672/; start one")

    @failing.command()
    def other() -> None: ...

    result = run(failing, ["fail"])

    assert result.exit_code == ExitCode.UNREACHABLE
    assert result.stderr == "error: no broker at amqp://[::1]:5672/; start one\n"
    assert result.stdout == ""


@pytest.mark.parametrize("command", [["topology", "apply"], ["topology", "check"], ["schema", "export"]])
def test_every_commands_help_has_an_example_and_json(command: list[str]) -> None:
    result = run(app, [*command, "--help"])

    assert result.exit_code == ExitCode.OK
    assert "Example:" in result.stdout
    assert "--json" in result.stdout


def test_an_unknown_option_is_wrong_usage() -> None:
    assert run(app, ["topology", "check", "--no-such-option"]).exit_code == ExitCode.USAGE


def test_a_version_that_is_none_is_wrong_usage() -> None:
    result = run(app, ["topology", "export", "--broker-version", "newest"])

    assert result.exit_code == ExitCode.USAGE
    assert "say 4 or 3.10" in result.stderr


SERVICE = """
from postroom.service import Command, Service

service = Service("garden", worker="garden:worker", commands=({commands},))
"""
COMMANDS = """
import typer

app = typer.Typer(help="What grows.")

@app.command("list")
def list_command() -> None:
    typer.echo("a rose")

@app.command("show")
def show_command() -> None: ...

def water(litres: int) -> None:
    "Water all of them."
    typer.echo(f"{litres} l")
"""


@pytest.fixture
def garden(install: Callable[..., None]) -> Callable[..., None]:
    """Installs somebody else's service with these commands."""

    def with_commands(*commands: str) -> None:
        service = SERVICE.format(commands=", ".join(commands))
        install("gardening", "garden = garden_service:service", garden_service=service, garden_cli=COMMANDS)

    return with_commands


def test_a_service_of_somebody_else_adds_its_commands_which_are_loaded_when_they_are_used(
    garden: Callable[..., None],
) -> None:
    garden('Command("plants", "garden_cli:app", "What grows.")', 'Command("water", "garden_cli:water", "Water it.")')

    shown = run(app, ["--help"])
    assert all(words in shown.stdout for words in ("plants", "What grows.", "water", "Water it."))
    assert "garden_cli" not in sys.modules

    assert run(app, ["plants", "list"]).stdout == "a rose\n"
    assert run(app, ["water", "3"]).stdout == "3 l\n"
    assert "Water all of them." in run(app, ["water", "--help"]).stdout
    assert run(app, ["plants", "lisst"]).exit_code == ExitCode.USAGE
    assert "Did you mean 'plants'" in run(app, ["plant"]).stderr


@pytest.mark.parametrize(("name", "owner"), [("dead", "Postroom itself"), ("alerts", "the service alerting")])
def test_a_name_that_is_declared_twice_is_a_wrong_setting_that_names_both(
    name: str, owner: str, garden: Callable[..., None]
) -> None:
    garden(f'Command("{name}", "garden_cli:app", "What grows.")')

    result = run(app, ["--help"])

    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == f"error: {owner} and the service garden both have a command {name}; uninstall one of them\n"


def test_what_postroom_itself_brings_works_whatever_others_declare(garden: Callable[..., None]) -> None:
    garden('Command("dead", "garden_cli:app", "What grows.")')

    assert "a rose" not in run(app, ["dead", "list", "--help"]).stdout
    assert run(app, ["dead", "list", "--help"]).exit_code == ExitCode.OK


def test_a_service_cannot_declare_a_name_twice(garden: Callable[..., None]) -> None:
    garden(*['Command("plants", "garden_cli:app", "What grows.")'] * 2)

    assert "the service garden and the service garden both have" in run(app, ["--help"]).stderr


def test_a_command_that_is_not_where_it_is_declared_is_a_wrong_setting(garden: Callable[..., None]) -> None:
    garden('Command("plants", "garden_cli:nothing", "What grows.")')

    result = run(app, ["plants", "list"])

    assert result.exit_code == ExitCode.USAGE
    assert "the command plants is declared as 'garden_cli:nothing'" in result.stderr


def test_a_command_with_a_name_that_nobody_could_type_is_refused(garden: Callable[..., None]) -> None:
    garden('Command("--help", "garden_cli:app", "What grows.")')

    assert "service garden: a command cannot be called '--help'" in run(app, ["--help"]).stderr


def test_a_service_that_is_not_there_cannot_be_run() -> None:
    result = run(app, ["run", "no-such-service"])

    assert result.exit_code == ExitCode.USAGE
    assert "there are: alerting, audit" in result.stderr


def test_the_services_there_are_complete_the_command_that_runs_one() -> None:
    asked = {"_POSTROOM_COMPLETE": "complete_bash", "COMP_WORDS": "postroom run a", "COMP_CWORD": "2"}

    assert run(app, [], env=asked).stdout.split() == ["alerting", "audit"]


@dataclass
class Plant:
    """Something with a field that JSON does not know."""

    planted_at: datetime


def test_json_has_dataclasses_as_objects_and_moments_as_rfc_3339(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([Plant(datetime(2026, 11, 25, 14, tzinfo=UTC)), Path("a/b"), timedelta(hours=1)])

    assert json.loads(capsys.readouterr().out) == [{"planted_at": "2026-11-25T14:00:00+00:00"}, "a/b", "1:00:00"]

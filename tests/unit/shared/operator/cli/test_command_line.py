import pytest
import typer
from typer.testing import CliRunner

from postroom.broker.management import ManagementError, ManagementRefused, ManagementUnavailable
from postroom.operator.cli import app
from postroom.operator.cli.groups import CommandGroup, exit_code_of
from postroom.terminal import ExitCode
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

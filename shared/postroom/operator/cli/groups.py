"""The outermost group of commands, and the exit codes of errors."""

import logging
from typing import Any

import typer
from typer.core import TyperGroup

from postroom.terminal import ExitCode, complain
from postroom.wire.errors import (
    BrokerUnavailable,
    ConfigurationError,
    ManagementRefused,
    ManagementUnavailable,
    PostroomError,
)


def exit_code_of(error: PostroomError) -> ExitCode:
    """The code with which a command ends that raised `error`."""
    if isinstance(error, ConfigurationError):
        return ExitCode.USAGE
    if isinstance(error, (ManagementUnavailable, ManagementRefused, BrokerUnavailable)):
        return ExitCode.UNREACHABLE
    return ExitCode.PROBLEMS


class CommandGroup(TyperGroup):
    """The outermost group: turns an error that Postroom raised on purpose into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        # What it logs about a lost connection is said better by our own errors.
        logging.getLogger("aiormq").addHandler(logging.NullHandler())
        try:
            return super().invoke(ctx)
        except PostroomError as error:
            complain(str(error))
            raise typer.Exit(exit_code_of(error)) from None

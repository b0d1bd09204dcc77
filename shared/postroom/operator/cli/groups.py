"""Groups of commands: each command is loaded when it is used, and errors become exit codes."""

import gc
import logging
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup

from postroom.service import Command, Service
from postroom.terminal import ExitCode, complain
from postroom.wire.errors import (
    BrokerUnavailable,
    ConfigurationError,
    ManagementRefused,
    ManagementUnavailable,
    PostroomError,
)

OF_SERVICES = "Of the installed services"
"""The heading of their commands in `postroom --help`."""

MARKUP: Final = "markdown"  # paragraphs of the help flow


def exit_code_of(error: PostroomError) -> ExitCode:
    """The code with which a command ends that raised `error`."""
    if isinstance(error, ConfigurationError):
        return ExitCode.USAGE
    if isinstance(error, (ManagementUnavailable, ManagementRefused, BrokerUnavailable)):
        return ExitCode.UNREACHABLE
    return ExitCode.PROBLEMS


class DeclaredCommand(TyperCommand):
    """Stands for a command until it is used: enough for help and completion, without loading anything."""

    def __init__(self, declared: Command, panel: str | None = None) -> None:
        super().__init__(declared.name, help=declared.summary, rich_help_panel=panel, rich_markup_mode=MARKUP)
        self._declared = declared

    def load(self) -> Any:
        """The command, or group of commands, itself."""
        found = self._declared.load()
        only = typer.Typer(rich_markup_mode=MARKUP, add_completion=False)
        only.callback()(_group)
        if isinstance(found, typer.Typer):
            only.add_typer(found, name=self.name)
        else:
            only.command(self.name)(found)
        return cast("TyperGroup", typer.main.get_command(only)).commands[cast("str", self.name)]


class CommandGroup(TyperGroup):
    """The outermost group: turns an error that Postroom raised on purpose into one line and an exit code."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run what the arguments say, or complete them."""
        # What it logs about a lost connection is said better by our own errors.
        logging.getLogger("aiormq").addHandler(logging.NullHandler())
        try:
            return super().main(*args, **options)
        except PostroomError as error:
            complain(str(error))
            sys.exit(exit_code_of(error))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant, loaded."""
        name, command, rest = super().resolve_command(ctx, args)
        if isinstance(command, DeclaredCommand):
            command = command.load()
        if not gc.isenabled():  # see postroom.operator
            gc.freeze()
            gc.enable()
        return name, command, rest


def declared(own: Sequence[Command], services: Iterable[Service]) -> dict[str, DeclaredCommand]:
    """All commands by name, our own first. Raises ConfigurationError for a name that is declared twice."""
    found = {each.name: DeclaredCommand(each) for each in own}
    owners = dict.fromkeys(found, "Postroom itself")
    for service in services:
        for each in service.commands:
            owner = f"the service {service.name}"
            if owners.setdefault(each.name, owner) != owner or each.name in found:
                raise ConfigurationError(
                    f"{owners[each.name]} and {owner} both have a command {each.name}; uninstall one of them"
                )
            found[each.name] = DeclaredCommand(each, OF_SERVICES)
    return found


def _group() -> None:
    """Keep a single command a command of a group."""

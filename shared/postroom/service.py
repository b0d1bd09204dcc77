"""A service as one declared object: what it is made of, and where each part is found.

    service = Service(
        "thumbnails",
        worker="thumbnails.handlers:worker",
        adapters="thumbnails.adapters:adapters",
    )

A distribution offers it through the entry-point group `postroom.services`. Parts are named as entry points name them,
`module:attribute`, and imported when they are asked for: reading which services there are costs nothing, and
`postroom --help` loads none of them.
"""

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from postroom.wire.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings
    from typer import Typer

    from postroom.runtime.assembly import Runtime
    from postroom.storage.retention import Retention
    from postroom.worker import Adapters, Worker

ENTRY_POINTS = "postroom.services"
"""The entry-point group through which services are found."""

_NAME = re.compile(r"(?=.{1,32}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*(:[A-Za-z_]\w*)?")


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or a group of commands, of `postroom`.

    Attributes:
        name: what is typed: `postroom <name>`.
        app: where it is, `module:attribute`: a typer.Typer for a group, a function for a single command.
        summary: its line in `postroom --help`, which loads neither.
    """

    name: str
    app: str
    summary: str

    def load(self) -> "Typer | Callable[..., None]":
        """The group, or the function. Raises ConfigurationError where there is none of that name in the module."""
        try:
            app: Typer | Callable[..., None] = load(self.app)
        except AttributeError as error:
            raise ConfigurationError(f"the command {self.name} is declared as {self.app!r}: {error}") from None
        return app


@dataclass(frozen=True, slots=True)
class Conditions:
    """When alerting says that something is wrong with a service.

    Attributes:
        oldest_message: how long the oldest message of one of its queues may wait; `ALERTING_QUEUE_LIMITS` overrules it.
    """

    oldest_message: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Service:
    """One service. All but `name` and `worker` may be left out.

    Attributes:
        name: lower case; names its listener queues, its database and its user at the broker.
        worker: its handlers, a Worker: `module:attribute`.
        adapters: opens what the handlers are given, by port; an asynchronous context manager made from the Runtime.
        settings: its settings, pydantic-settings classes. They are read before anything else is done, so that a wrong
            one is reported at once.
        migrations: the folder with the Alembic migrations of its own tables, `package:folder`.
        retention: which old rows of its tables may be deleted, a sequence of Retention.
        commands: what it adds to the command line.
        read_ports: what other parts may read of its data without knowing it, by the names of postroom.read_ports:
            `module:function`.
        conditions: when alerting says that something is wrong with it.
        hosts_standalone: whether its process does the work of all services where JOB_RUNNER is `cron`.
    """

    name: str
    worker: str
    adapters: str = ""
    settings: tuple[str, ...] = ()
    migrations: str = ""
    retention: str = ""
    commands: tuple[Command, ...] = ()
    read_ports: Mapping[str, str] = field(default_factory=dict)
    conditions: Conditions = Conditions()
    hosts_standalone: bool = False

    def __post_init__(self) -> None:
        """Raises ConfigurationError for a name or a reference that cannot be one."""
        check_name(self.name)
        for command in self.commands:
            if not _NAME.fullmatch(command.name):
                raise ConfigurationError(f"service {self.name}: a command cannot be called {command.name!r}")
        for part, reference in self.references():
            if not _REFERENCE.fullmatch(reference):
                raise ConfigurationError(
                    f"service {self.name}: {part}={reference!r} names nothing; write module:attribute"
                )

    def references(self) -> list[tuple[str, str]]:
        """Every part that is declared, and where it is."""
        given = [
            ("worker", self.worker),
            ("adapters", self.adapters),
            *(("settings", each) for each in self.settings),
            ("migrations", self.migrations),
            ("retention", self.retention),
            *(("commands", each.app) for each in self.commands),
            *(("read_ports", each) for each in self.read_ports.values()),
        ]
        return [(part, reference) for part, reference in given if reference]

    def load_worker(self) -> "Worker":
        """Its handlers. Raises ConfigurationError where they are not, or are another service's."""
        worker: Worker = self._load("worker", self.worker)
        found = getattr(worker, "service", None)
        if found != self.name:
            raise ConfigurationError(
                f'{self.worker} is no worker of {self.name}: write `worker = Worker("{self.name}")` there'
            )
        return worker

    def load_adapters(self) -> "Callable[[Runtime], AbstractAsyncContextManager[Adapters]]":
        """What opens its adapters; without a declaration there are none."""
        if not self.adapters:
            return _no_adapters
        adapters: Callable[[Runtime], AbstractAsyncContextManager[Adapters]] = self._load("adapters", self.adapters)
        return adapters

    def load_settings(self) -> "Sequence[type[BaseSettings]]":
        """The classes of its settings."""
        return [self._load("settings", each) for each in self.settings]

    def load_retention(self) -> "Sequence[Retention]":
        """Which old rows of its own tables may be deleted."""
        rules: Sequence[Retention] = self._load("retention", self.retention) if self.retention else ()
        return rules

    def load_read_port(self, name: str) -> Any:
        """The function that it declares under that name."""
        return self._load("read_ports", self.read_ports[name])

    def migrations_folder(self) -> Traversable | None:
        """The folder of its migrations. Raises ConfigurationError where there is none."""
        if not self.migrations:
            return None
        package, _, name = self.migrations.partition(":")
        folder = files(package) / name
        if not folder.is_dir():
            raise ConfigurationError(f"service {self.name}: migrations={self.migrations!r}: there is no such folder")
        return folder

    def _load(self, part: str, reference: str) -> Any:
        try:
            return load(reference)
        except AttributeError as error:
            raise ConfigurationError(f"service {self.name}: {part}={reference!r}: {error}") from None


def check_name(name: str) -> None:
    """Raises ConfigurationError for what a service cannot be called: queues, packages and users are named after it."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"a service cannot be called {name!r}: lower case letters and digits, with hyphens in between, at most 32"
        )


def load(reference: str) -> Any:
    """What `module:attribute` names. Raises the import's own errors, AttributeError when it is not there."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _no_adapters(_runtime: "Runtime") -> "AbstractAsyncContextManager[Adapters]":
    return nullcontext({})

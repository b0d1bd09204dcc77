"""Finds the services that are installed. There is no list of them to edit.

A service is a package under `services`. It is started by its `__main__` module, and has handlers when its
`handlers` module holds `worker`, a Worker.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass

from postroom.runtime import Worker
from postroom.wire.errors import ConfigurationError

NAMESPACE = "services"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A service whose optional libraries are not installed: `missing` is the first of them."""

    service: str
    missing: str

    def __str__(self) -> str:
        return f"{self.service} is left out, {self.missing} is not installed: pip install 'postroom[{self.service}]'"


@dataclass(frozen=True, slots=True)
class Discovery:
    """The workers of all services that could be loaded, and the services that could not."""

    workers: tuple[Worker, ...]
    left_out: tuple[LeftOut, ...]


def discover(namespace: str = NAMESPACE) -> Discovery:
    """Load every service's handlers.

    Raises ConfigurationError for a `handlers` module without a worker. Errors in a service's own code come out
    as they are.
    """
    workers: list[Worker] = []
    left_out: list[LeftOut] = []
    for service in service_names(namespace):
        try:
            worker = _load_worker(f"{namespace}.{service}.handlers")
        except ModuleNotFoundError as error:
            missing = error.name or str(error)
            if missing.partition(".")[0] in (namespace, "postroom"):
                raise  # a mistake in our own imports, which no installation mends
            left_out.append(LeftOut(service, missing))
        else:
            workers += [worker] if worker else []
    return Discovery(tuple(workers), tuple(left_out))


def service_names(namespace: str = NAMESPACE) -> list[str]:
    """The names of all services, in alphabetical order. Loads none of them."""
    return sorted(_packages(namespace))


def startable_services(namespace: str = NAMESPACE) -> list[str]:
    """The services that `python -m services.<name>` starts."""
    return [name for name in service_names(namespace) if _exists(f"{namespace}.{name}.__main__")]


def _packages(namespace: str) -> Iterator[str]:
    package = importlib.import_module(namespace)
    for module in pkgutil.iter_modules(package.__path__):
        if module.ispkg:
            yield module.name


def _load_worker(module: str) -> Worker | None:
    if not _exists(module):
        return None
    worker = getattr(importlib.import_module(module), "worker", None)
    if not isinstance(worker, Worker):
        raise ConfigurationError(f'{module} has no `worker`: write `worker = Worker("{module.split(".")[-2]}")` there')
    return worker


def _exists(module: str) -> bool:
    return importlib.util.find_spec(module) is not None

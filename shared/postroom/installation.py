"""Which services there are: those that are installed, and of these the ones that belong to this installation.

`POSTROOM_SERVICES` names the latter, separated by commas; without it all that are installed belong to it. Topology,
users, alerting, `postroom status` and `postroom up` follow it: there is no queue without a reader, and no alarm about
what does not run here.
"""

import os
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from postroom.read_ports import Function, ReadPort
from postroom.service import ENTRY_POINTS, Service
from postroom.wire.errors import ConfigurationError

if TYPE_CHECKING:
    from postroom.worker import Worker
    from postroom.worker.registration import Subscription

VARIABLE = "POSTROOM_SERVICES"


def installed_services() -> list[Service]:
    """Every service that is installed, by name. Raises ConfigurationError for one that cannot be read."""
    found: dict[str, Service] = {}
    for entry_point in sorted(entry_points(group=ENTRY_POINTS), key=lambda each: (each.name, each.value)):
        service = _read(entry_point)
        if found.setdefault(service.name, service) != service:
            raise ConfigurationError(
                f"two distributions offer a service called {service.name} (entry points {ENTRY_POINTS}); "
                "uninstall one of them"
            )
    return list(found.values())


def chosen_names() -> frozenset[str]:
    """What POSTROOM_SERVICES names; empty where it is unset, and all that are installed belong to the installation."""
    given = os.environ.get("POSTROOM_SERVICES", "").split(",")
    return frozenset(name for each in given if (name := each.strip()))


def services() -> list[Service]:
    """The services of this installation that are installed here, by name. An image may have only one of them."""
    chosen = chosen_names()
    return [service for service in installed_services() if not chosen or service.name in chosen]


def all_services() -> list[Service]:
    """The services of this installation, for what has to know each of them: its topology, its users.

    Raises ConfigurationError when POSTROOM_SERVICES names one that is not installed here.
    """
    chosen = chosen_names()
    return pick(chosen, installed_services(), f"{VARIABLE} names") if chosen else installed_services()


def belongs_here(queue: str) -> bool:
    """Whether a service, or a work queue, whose name begins with its service's, is of this installation."""
    chosen = chosen_names()
    return not chosen or queue.partition(".")[0] in chosen


def find_service(name: str) -> Service:
    """One that is installed. Raises ConfigurationError where it is not."""
    return pick([name], installed_services(), "you asked for")[0]


def pick(names: Iterable[str], among: list[Service], asked: str) -> list[Service]:
    """Those of the given names. Raises ConfigurationError, which begins with `asked`, for one that is not there."""
    by_name = {service.name: service for service in among}
    wanted = set(names)
    for name in sorted(wanted):
        if name not in by_name:
            there_are = ", ".join(by_name) or "none; pip install 'postroom[email]', for example"
            raise ConfigurationError(f"{asked} {name!r}, and no such service is installed; there are: {there_are}")
    return [service for name, service in by_name.items() if name in wanted]


def workers() -> "list[Worker]":
    """The handlers of each service of this installation that is installed here."""
    return [service.load_worker() for service in services()]


def subscriptions() -> "list[Subscription]":
    """All that the services of this installation read that are installed here."""
    return [each for worker in workers() for each in worker.subscriptions.values()]


def all_subscriptions() -> "list[Subscription]":
    """All that the services of this installation read. Raises ConfigurationError like `all_services`."""
    loaded = (service.load_worker() for service in all_services())
    return [each for worker in loaded for each in worker.subscriptions.values()]


def read_port(port: ReadPort[Function]) -> Function | None:
    """That read port of whichever service of this installation offers it, or None.

    Raises ConfigurationError when two offer it.
    """
    offering = [service for service in services() if port.name in service.read_ports]
    if len(offering) > 1:
        names = " and ".join(service.name for service in offering)
        raise ConfigurationError(f"{names} both offer the read port {port.name}; leave one of them out of {VARIABLE}")
    if not offering:
        return None
    function: Function = offering[0].load_read_port(port.name)
    return function


def _read(entry_point: EntryPoint) -> Service:
    try:
        service = entry_point.load()
    except (ImportError, AttributeError) as error:
        where = entry_point.dist.name if entry_point.dist else "a distribution"
        raise ConfigurationError(
            f"{where} offers the service {entry_point.name} as {entry_point.value}, which cannot be imported: {error}"
        ) from error
    if not isinstance(service, Service) or service.name != entry_point.name:
        raise ConfigurationError(
            f"the entry point {entry_point.name} = {entry_point.value!r} ({ENTRY_POINTS}) is no Service of that name"
        )
    return service

"""The users of the broker in a virtual host of a test, made as `postroom topology apply --users` makes them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from postroom.broker.connection import as_user
from postroom.broker.management import Management, ManagementError
from postroom.broker.topology import build_topology
from postroom.broker.topology.application import apply_topology
from postroom.broker.topology.passwords import Passwords
from postroom.broker.topology.user_application import apply_users
from postroom.broker.topology.users import BrokerUser, build_users, user_prefix
from postroom.installation import workers
from postroom.settings import RuntimeSettings
from postroom.worker import Worker
from postroom.worker.registration import Subscription
from tests.support.brokers import VirtualHost


@dataclass(frozen=True)
class Users:
    """The users of one virtual host, by role: a service's name, `publisher`, `operator`, `monitoring`."""

    vhost: VirtualHost
    by_role: dict[str, BrokerUser]
    passwords: Passwords

    def amqp_url(self, role: str) -> str:
        """How that user connects."""
        return as_user(self.vhost.amqp_url, *self.login(role))

    def login(self, role: str) -> tuple[str, str]:
        """Name and password."""
        name = self.by_role[role].name
        return name, self.passwords.of(name)

    def management(self, role: str) -> Management:
        """The management API as that user sees it."""
        return Management(self.vhost.management_url, *self.login(role), self.vhost.name)

    def administrator(self) -> Management:
        """The management API as an administrator sees it."""
        return administrator_of(self.vhost)


def administrator_of(vhost: VirtualHost) -> Management:
    """The management API as an administrator sees it."""
    return Management(vhost.management_url, vhost.user, vhost.password, vhost.name)


def installed_subscriptions() -> list[Subscription]:
    """What all services read."""
    return [each for worker in workers() for each in worker.subscriptions.values()]


@contextmanager
def users_on(vhost: VirtualHost, folder: Path) -> Iterator[Users]:
    """The topology and the users of all services; the users are removed at the end."""
    subscriptions = installed_subscriptions()
    wanted = build_users(subscriptions, user_prefix(vhost.name))
    passwords = Passwords(folder / "broker-users.json")
    with administrator_of(vhost) as administrator:
        apply_topology(build_topology(subscriptions), administrator)
        try:
            apply_users(wanted, passwords, administrator)
            yield Users(vhost, {user.role: user for user in wanted}, passwords)
        finally:
            there = {user.name for user in administrator.users()}
            for user in wanted:
                if user.name in there:
                    administrator.delete_user(user.name)


@contextmanager
def own_user(worker: Worker, environment: Mapping[str, str], folder: Path) -> Iterator[dict[str, str]]:
    """`environment`, an administrator's, with a user that may do what this worker's service may; removed at the end.

    The topology is there already. Without a broker in `environment` it comes back as it is.
    """
    if "POSTROOM_MANAGEMENT_URL" not in environment:
        yield dict(environment)
        return
    given = (environment["POSTROOM_AMQP_URL"], environment["POSTROOM_MANAGEMENT_URL"])
    settings = RuntimeSettings.model_validate(dict(zip(("amqp_url", "management_url"), given, strict=True)))
    [user, *_] = build_users(worker.subscriptions.values(), f"test-{uuid4().hex[:12]}-")
    passwords = Passwords(folder / f"{user.name}.json")
    with Management.from_settings(settings) as administrator:
        apply_users([user], passwords, administrator)
        url = as_user(given[0], user.name, passwords.of(user.name))
        try:
            yield {**environment, "POSTROOM_AMQP_URL": url, "POSTROOM_MANAGEMENT_URL": ""}
        finally:
            with suppress(ManagementError):  # a test may have ended the broker
                administrator.delete_user(user.name)

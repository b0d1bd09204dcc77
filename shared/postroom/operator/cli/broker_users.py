"""The broker's users for the installed services: `topology apply --users` makes them, `up` and the demo use them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from postroom.broker.connection import as_user
from postroom.broker.management import Management, ManagementError
from postroom.broker.topology.passwords import Passwords
from postroom.broker.topology.user_application import apply_users
from postroom.broker.topology.users import MONITORING, BrokerUser, build_users, user_prefix
from postroom.devkit.broker_node import BrokerNode
from postroom.installation import all_subscriptions
from postroom.settings import RuntimeSettings
from postroom.wire.errors import ConfigurationError

FILE_NAME = "broker-users.json"
READS_THE_MANAGEMENT_API = "alerting"


def installed_users(virtual_host: str, prefix: str | None = None) -> tuple[BrokerUser, ...]:
    """The users for all services of this installation; by default their names begin as `user_prefix` says."""
    return build_users(all_subscriptions(), user_prefix(virtual_host) if prefix is None else prefix)


def users_of_node(broker: BrokerNode, folder: Path, say: Callable[[str], None]) -> dict[str, dict[str, str]]:
    """Make each service's user on `broker`; by service, the variables that tell it of its own.

    The passwords are kept in `folder`. Empty, and said so, where the broker was given with a user who may not make
    users: the services then share that one.
    """
    settings = RuntimeSettings.model_validate(
        {"amqp_url": broker.amqp_url, "management_url": broker.management_url or None}
    )
    try:
        passwords = Passwords(folder / FILE_NAME)
        with Management.from_settings(settings) as management:
            users = installed_users(management.virtual_host)
            apply_users(users, passwords, management, adopt=broker.is_ours)
    except (ManagementError, ConfigurationError) as error:
        if broker.is_ours:
            raise
        say(f"all services use the user of POSTROOM_AMQP_URL, not one of their own each: {error}")
        return {}
    return _variables(users, passwords, broker)


def _variables(users: Sequence[BrokerUser], passwords: Passwords, broker: BrokerNode) -> dict[str, dict[str, str]]:
    def url(base: str, user: BrokerUser) -> str:
        return as_user(base, user.name, passwords.of(user.name))

    # Empty rather than absent: this process's own may be an administrator's, and children inherit it.
    variables = {
        user.role: {"POSTROOM_AMQP_URL": url(broker.amqp_url, user), "POSTROOM_MANAGEMENT_URL": ""} for user in users
    }
    if READS_THE_MANAGEMENT_API in variables:
        monitoring = next(user for user in users if user.role == MONITORING)
        variables[READS_THE_MANAGEMENT_API]["POSTROOM_MANAGEMENT_URL"] = url(broker.management_url, monitoring)
    return variables

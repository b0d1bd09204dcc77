"""Brings a broker's users to the wanted ones: writes the differences only, and removes no user."""

from collections.abc import Callable, Iterator, Sequence

from postroom.broker.management import Management, PermissionInfo, TopicPermissionInfo, UserInfo
from postroom.broker.topology.application import TopologyChange
from postroom.broker.topology.passwords import Passwords, is_hash_of, password_hash
from postroom.broker.topology.users import BrokerUser
from postroom.wire.errors import ConfigurationError


def apply_users(
    users: Sequence[BrokerUser],
    passwords: Passwords,
    management: Management,
    *,
    renew: bool = False,
    adopt: bool = False,
    on_change: Callable[[TopologyChange], None] = lambda _change: None,
) -> tuple[TopologyChange, ...]:
    """Create or correct these users and their permissions in the virtual host. A second call changes nothing.

    Users without a password get one, which is in the file before the broker has it. Passwords reach the broker
    as hashes.

    Args:
        renew: give all of them new passwords.
        adopt: a user that exists already is ours, also when its password is not in the file; it gets a new one.
        on_change: called after each write.

    Raises ManagementRefused when who asks is no administrator, and ConfigurationError, before anything is written,
    when such a user exists that is neither adopted nor renewed: it may be somebody else's.
    """
    existing = {user.name: user for user in management.users()}
    names = [user.name for user in users]
    strange = [name for name in names if name in existing and name not in passwords]
    if strange and not (renew or adopt):
        raise ConfigurationError(
            f"the broker has {', '.join(strange)} already, and their passwords are not in {passwords.path}: use the "
            "file of the run that made them, `--rotate` to give them new ones, or another `--user-prefix`"
        )
    passwords.complete(names, renew=renew)
    changes = []
    for change in _write(users, passwords, existing, management):
        changes.append(change)
        on_change(change)
    return tuple(changes)


def wanted_permission(user: BrokerUser) -> PermissionInfo:
    """A user's permission as the management API says it."""
    return PermissionInfo(user.name, user.configure, user.write, user.read)


def wanted_topic_permissions(user: BrokerUser) -> Iterator[TopicPermissionInfo]:
    """A user's topic permissions as the management API says them. They bind nothing, so they read nothing."""
    for exchange, pattern in user.topics.items():
        yield TopicPermissionInfo(user.name, exchange, pattern, "^$")


def _write(
    users: Sequence[BrokerUser], passwords: Passwords, existing: dict[str, UserInfo], management: Management
) -> Iterator[TopologyChange]:
    permissions, topics = management.permissions(), management.topic_permissions()
    for user in users:
        if not _is_as_wanted(existing.get(user.name), user, passwords):
            management.put_user(UserInfo(user.name, user.tags, password_hash(passwords.of(user.name))))
            yield TopologyChange("changed" if user.name in existing else "created", "user", user.name)
        # First, so that at no moment it may do more than it should.
        for topic in wanted_topic_permissions(user):
            if topic not in topics:
                management.put_topic_permission(topic)
                yield TopologyChange("set", "topic permission", f"{user.name} on {topic.exchange}")
        if wanted_permission(user) not in permissions:
            management.put_permission(wanted_permission(user))
            yield TopologyChange("set", "permission", user.name)


def _is_as_wanted(found: UserInfo | None, user: BrokerUser, passwords: Passwords) -> bool:
    if found is None or set(found.tags) != set(user.tags):
        return False
    return is_hash_of(found.password_hash, passwords.of(user.name))

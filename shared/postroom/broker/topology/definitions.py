"""The topology as a RabbitMQ definitions file, for brokers that are set up without our command line."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from postroom.broker.topology.comparison import wanted_policy
from postroom.broker.topology.model import Topology
from postroom.broker.topology.passwords import HASHING, Passwords, password_hash
from postroom.broker.topology.user_application import wanted_permission, wanted_topic_permissions
from postroom.broker.topology.users import BrokerUser

DEFAULT_BROKER_VERSION = "4"


def definitions(topology: Topology, virtual_host: str, broker_version: str) -> dict[str, Any]:
    """What `rabbitmqctl import_definitions` and the management UI take. No users and no passwords.

    Args:
        broker_version: the broker that will read it, `3.10` or `4.3.6`: a file for 4 is refused by 3.
    """
    durable = {"vhost": virtual_host, "durable": True, "auto_delete": False}
    return {
        "vhosts": [{"name": virtual_host}],
        "policies": [
            {"vhost": virtual_host, **_with_dashes(asdict(wanted_policy(policy, broker_version)))}
            for policy in topology.policies
        ],
        "exchanges": [
            {
                "name": exchange.name,
                **durable,
                "type": exchange.type,
                "internal": False,
                "arguments": dict(exchange.arguments),
            }
            for exchange in topology.exchanges
        ],
        "queues": [{"name": queue.name, **durable, "arguments": dict(queue.arguments)} for queue in topology.queues],
        "bindings": [
            {
                "source": binding.source,
                "vhost": virtual_host,
                "destination": binding.destination,
                "destination_type": "exchange" if binding.to_exchange else "queue",
                "routing_key": binding.key,
                "arguments": {},
            }
            for binding in topology.bindings
        ],
    }


def user_definitions(users: Sequence[BrokerUser], passwords: Passwords, virtual_host: str) -> dict[str, Any]:
    """The users' part of such a file: hashes with a fresh salt. Users without a password get one, as in `apply`."""
    passwords.complete(user.name for user in users)
    permissions = [wanted_permission(user) for user in users]
    topics = [topic for user in users for topic in wanted_topic_permissions(user)]
    return {
        "users": [
            {
                "name": user.name,
                "password_hash": password_hash(passwords.of(user.name)),
                "hashing_algorithm": HASHING,
                "tags": list(user.tags),
            }
            for user in users
        ],
        "permissions": [{"vhost": virtual_host, **asdict(permission)} for permission in permissions],
        "topic_permissions": [{"vhost": virtual_host, **asdict(topic)} for topic in topics],
    }


def _with_dashes(policy: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in policy.items()}

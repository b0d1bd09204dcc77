"""The topology as a RabbitMQ definitions file, for brokers that are set up without our command line."""

from dataclasses import asdict
from typing import Any

from shared.topology.comparison import wanted_policy
from shared.topology.model import Topology

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


def _with_dashes(policy: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in policy.items()}

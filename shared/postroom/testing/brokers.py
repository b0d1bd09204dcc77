"""A broker for the tests of a service: a virtual host with all that the service needs, and nothing else in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from pydantic import SecretStr

from postroom.broker.management import Management
from postroom.broker.management.records import PermissionInfo
from postroom.broker.topology import build_topology
from postroom.broker.topology.application import apply_topology
from postroom.devkit.broker_node import BrokerNode, find_broker
from postroom.service import Service
from postroom.settings import RuntimeSettings


@contextmanager
def broker_for(service: Service, folder: Path) -> Iterator[RuntimeSettings]:
    """Settings that lead to a new virtual host with the topology of `service`, and to SQLite files in `folder`.

    The broker is the one of POSTROOM_AMQP_URL, whose user must be an administrator, or a private RabbitMQ node that
    is started and stopped here. Nothing is left on it. Raises NoBroker when there is none.
    """
    with find_broker() as node:
        settings = _settings(node, f"test-{uuid4().hex[:12]}", folder)
        with Management.from_settings(settings) as management:
            management.create_virtual_host()
            try:
                _, user, _ = settings.broker_management()
                everything = PermissionInfo(user=user, configure=".*", write=".*", read=".*")
                management.put_permission(everything)
                apply_topology(build_topology(service.load_worker().subscriptions.values()), management)
                yield settings
            finally:
                management.delete_virtual_host()


def _settings(node: BrokerNode, virtual_host: str, folder: Path) -> RuntimeSettings:
    return RuntimeSettings(
        amqp_url=SecretStr(urlunsplit(urlsplit(node.amqp_url)._replace(path=f"/{virtual_host}"))),
        management_url=SecretStr(node.management_url),
        database_url=None,  # a test writes into no database that the environment names
        data_dir=folder,
        health_port=0,
    )

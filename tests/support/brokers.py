"""The broker that tests run on: the one at hand, or RabbitMQ 4.x where POSTROOM_TEST_BROKER=4 asks for it."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

from postroom.broker.management.connection import ApiConnection
from postroom.devkit.broker_node import BrokerNode, find_broker
from postroom.devkit.broker_node.node import ForeignNodeControl
from postroom.devkit.broker_node.private import private_node
from postroom.settings import RuntimeSettings
from tests.support.patience import COUNTED, patience
from tests.support.rabbitmq4 import rabbitmq4_installation


@dataclass(frozen=True)
class VirtualHost:
    """A virtual host for one test. User and password are an administrator's, for AMQP and for the management API."""

    name: str
    amqp_url: str
    management_url: str
    user: str
    password: str


def node_for_tests(*, own: bool = False) -> AbstractContextManager[BrokerNode]:
    """A broker for tests; with `own` one that may be killed, never a given one.

    Raises NoBroker when none is to be had here.
    """
    if os.environ.get("POSTROOM_TEST_BROKER") == "4":
        return private_node(rabbitmq4_installation(), "RabbitMQ 4.x in a root of its own")
    hidden = {"POSTROOM_AMQP_URL", "POSTROOM_MANAGEMENT_URL"} if own else set()
    return find_broker({name: value for name, value in os.environ.items() if name not in hidden})


@contextmanager
def broker_facts() -> Iterator[dict[str, Any]]:
    """A broker for tests, as data that can be handed to other processes."""
    with node_for_tests() as node:
        names = ("amqp_url", "management_url", "version", "source")
        yield {name: getattr(node, name) for name in names} | {"log": str(node.log or "")}


def node_from_facts(facts: dict[str, Any]) -> BrokerNode:
    """The node another process runs; it cannot be killed through this one."""
    names = ("amqp_url", "management_url", "version", "source")
    control = ForeignNodeControl("all tests share it; ask for the fixture own_broker")
    return BrokerNode(**{name: facts[name] for name in names}, control=control)


@contextmanager
def virtual_host_on(broker: BrokerNode, name: str | None = None) -> Iterator[VirtualHost]:
    """A new virtual host, deleted at the end."""
    settings = RuntimeSettings.model_validate({"amqp_url": broker.amqp_url, "management_url": broker.management_url})
    url, user, password = settings.broker_management()
    name = name or f"test-{uuid4().hex[:12]}"

    # Each with a connection of its own: the broker ends one that has been idle for a minute.
    with closing(ApiConnection(url, user, password, name, patience(COUNTED))) as management:
        management.call("PUT", f"/vhosts/{name}")
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        management.call("PUT", f"/permissions/{name}/{quote(user, safe='')}", json=everything)
    try:
        yield VirtualHost(name, _with_path(broker.amqp_url, name), url, user, password)
    finally:
        with closing(ApiConnection(url, user, password, name, patience(COUNTED))) as management:
            management.call("DELETE", f"/vhosts/{name}")


def _with_path(amqp_url: str, virtual_host: str) -> str:
    return urlunsplit(urlsplit(amqp_url)._replace(path=f"/{quote(virtual_host, safe='')}"))

"""Where the broker comes from: the first of four ways that is open."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from postroom.devkit.broker_node import container, debian
from postroom.devkit.broker_node.errors import NoBroker, ServerNotStarted
from postroom.devkit.broker_node.installation import Installation, find_installation
from postroom.devkit.broker_node.node import BrokerNode, ForeignNodeControl
from postroom.devkit.broker_node.private import private_node
from postroom.devkit.broker_node.readiness import accepts_connections, host_and_port, management_version
from postroom.settings import RuntimeSettings

Say = Callable[[str], None]

FOUR_WAYS = """there is no RabbitMQ to work with. Any one of these is enough:
  1. set POSTROOM_AMQP_URL to a broker of yours, amqp://user:password@host:5672/vhost
  2. install RabbitMQ 3.10 or later on this machine; a `rabbitmq-server` that is there is used to run a private node
  3. start Docker; RabbitMQ then runs in a container
  4. on Debian or Ubuntu, run this as root; RabbitMQ is then installed with apt"""


@contextmanager
def find_broker(
    environment: Mapping[str, str] | None = None,
    *,
    data_dir: Path | None = None,
    persistent: bool = False,
    say: Say = lambda _: None,
) -> Iterator[BrokerNode]:
    """A broker that answers, for as long as the context lasts.

    In this order: POSTROOM_AMQP_URL; a `rabbitmq-server` of this machine, run as a private node; Docker; on Debian
    and Ubuntu as root, installed with apt and run as a private node. A broker that merely happens to listen on the
    default port is never taken.

    Args:
        environment: the process's, when not given.
        data_dir: where a persistent node keeps its data, in the folder `broker`.
        persistent: keep queues and messages for the next time; needs `data_dir`. Otherwise nothing is left behind.
        say: called with what is being done, a line at a time.

    Raises NoBroker naming the four ways when none is open, ServerNotStarted when one fails for good, and
    ConfigurationError when `data_dir` cannot be used.
    """
    environment = os.environ if environment is None else environment
    if environment.get("POSTROOM_AMQP_URL"):
        yield _given_broker(environment)
        return
    if persistent and data_dir is None:
        raise ValueError("a persistent broker needs a data_dir")
    keep_in = data_dir / "broker" if persistent and data_dir else None
    with ExitStack() as stack:
        yield _first_open_way(stack, environment, keep_in, say)


def _first_open_way(stack: ExitStack, environment: Mapping[str, str], keep_in: Path | None, say: Say) -> BrokerNode:
    def private(installation: Installation, source: str) -> BrokerNode:
        say(f"starting a private RabbitMQ node from {source}")
        return stack.enter_context(private_node(installation, source, keep_in=keep_in))

    if installation := find_installation(environment):
        return private(installation, "the rabbitmq-server of this machine")
    if container.docker_answers():
        say(f"starting RabbitMQ in a container, from {container.IMAGE}")
        try:
            return stack.enter_context(container.container_node(keep_in=keep_in))
        except ServerNotStarted as error:
            if not debian.can_install():
                raise
            say(f"{error}; trying the next way")
    if not debian.can_install():
        raise NoBroker(FOUR_WAYS)
    debian.install(["rabbitmq-server"], say)
    if installation := find_installation(environment):
        return private(installation, "a rabbitmq-server installed with apt")
    raise ServerNotStarted("apt installed rabbitmq-server, and still it cannot be found")


def _given_broker(environment: Mapping[str, str]) -> BrokerNode:
    url = environment["POSTROOM_AMQP_URL"]
    host, port = host_and_port(url)
    if not accepts_connections(host, port):
        raise ServerNotStarted(
            f"nothing listens on {host}:{port}, where POSTROOM_AMQP_URL points: start that broker, or unset the"
            " variable to have a private one"
        )
    given = environment.get("POSTROOM_MANAGEMENT_URL")
    settings = RuntimeSettings(amqp_url=SecretStr(url), management_url=SecretStr(given) if given else None)
    management_url, user, password = settings.broker_management()
    version = management_version(management_url, (user, password)) or "unknown"
    control = ForeignNodeControl("POSTROOM_AMQP_URL names it")
    return BrokerNode(url, given or management_url, version, "POSTROOM_AMQP_URL", control=control)

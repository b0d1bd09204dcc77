"""A RabbitMQ node in a container, started through testcontainers on the local Docker."""

import hashlib
import importlib.util
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from postroom.devkit.broker_node.configuration import DEAD_LETTERS_AGAIN, PLUGINS
from postroom.devkit.broker_node.errors import ServerNotStarted
from postroom.devkit.broker_node.node import BrokerNode
from postroom.devkit.broker_node.readiness import LOG_LINES, wait_until_ready
from postroom.devkit.ports import free_ports

if TYPE_CHECKING:
    from docker.models.containers import Container

IMAGE = "rabbitmq:4-management"
USER = "postroom"
SOURCE = f"Docker, image {IMAGE}"


def docker_answers() -> bool:
    """Whether a Docker daemon is here and testcontainers is installed."""
    if importlib.util.find_spec("testcontainers") is None:
        return False
    # Imported only where it is needed: an extra, and slow.
    import docker  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415
    from testcontainers.core.docker_client import get_docker_host  # noqa: PLC0415

    address = get_docker_host() or "unix:///var/run/docker.sock"
    if address.startswith("unix://") and not _somebody_listens_on(address.removeprefix("unix://")):
        return False  # found out here, because docker-py leaves its socket open when nobody answers
    try:
        client = docker.DockerClient(base_url=address, version="auto", timeout=5)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


def _somebody_listens_on(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


@contextmanager
def container_node(*, keep_in: Path | None = None) -> Iterator[BrokerNode]:
    """Run a container until the context is left; testcontainers' reaper removes it when this process is killed.

    With `keep_in` the data is in a Docker volume named after that folder, and stays.
    Raises ServerNotStarted when the image cannot be pulled or the node does not come up.
    """
    from docker.errors import DockerException  # noqa: PLC0415
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    password = secrets.token_urlsafe(12)
    amqp, management = free_ports(2)
    enable = f"rabbitmq-plugins enable --offline {' '.join(PLUGINS)}"
    container = (
        DockerContainer(IMAGE, hostname="postroom")  # the data is stored under the node's name: a fixed one
        .with_env("RABBITMQ_DEFAULT_USER", USER)
        .with_env("RABBITMQ_DEFAULT_PASS", password)
        .with_env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", DEAD_LETTERS_AGAIN)
        .with_command(["sh", "-c", f"{enable} && exec docker-entrypoint.sh rabbitmq-server"])
    )
    # Fixed ports, so that they are the same after a restart, on loopback, which the library's own call cannot say.
    container.ports.update({"5672/tcp": ("127.0.0.1", amqp), "15672/tcp": ("127.0.0.1", management)})  # type: ignore[dict-item]
    if keep_in is not None:
        volume = "postroom-" + hashlib.sha256(str(keep_in.absolute()).encode()).hexdigest()[:12]
        container.with_volume_mapping(volume, "/var/lib/rabbitmq", "rw")
    try:
        container.start()
    except (DockerException, OSError) as error:
        container.stop()
        raise ServerNotStarted(f"Docker could not start {IMAGE}: {error}") from None
    try:
        control = _ContainerControl(
            container.get_wrapped_container(),
            f"amqp://{USER}:{password}@127.0.0.1:{amqp}/",
            f"http://127.0.0.1:{management}",
        )
        yield BrokerNode(control.amqp_url, control.management_url, control.wait(), SOURCE, control=control)
    finally:
        container.stop()


class _ContainerControl:
    def __init__(self, container: "Container", amqp_url: str, management_url: str) -> None:
        self._container = container
        self.amqp_url = amqp_url
        self.management_url = management_url

    def start(self) -> None:
        self._container.start()
        self.wait()

    def stop(self) -> None:
        self._container.stop()

    def kill(self) -> None:
        self._container.kill()
        self._container.wait()

    def wait(self) -> str:
        return wait_until_ready(
            self.amqp_url, self.management_url, is_running=self._is_running, end_of_log=self._end_of_log
        )

    def _is_running(self) -> bool:
        self._container.reload()
        return self._container.status in {"created", "running", "restarting"}

    def _end_of_log(self) -> str:
        log: bytes = self._container.logs(tail=LOG_LINES)
        return "The end of its log:\n" + log.decode(errors="replace")

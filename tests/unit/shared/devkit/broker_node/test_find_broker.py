"""The order of the four ways, with every way replaced by a stand-in."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from postroom.devkit.broker_node import BrokerNode, NoBroker, NotOurBroker, ServerNotStarted, find, find_broker
from postroom.devkit.broker_node.installation import Installation

SERVER = Installation("/rabbitmq-server", None, "/bin")


class Machine:
    """What the machine under test has to offer."""

    def __init__(self, *, server: bool = False, docker: bool = False, apt: bool = False) -> None:
        self.server, self.docker, self.apt = server, docker, apt
        self.docker_works = True
        self.kept_in: list[Path | None] = []

    def use(self, patch: pytest.MonkeyPatch) -> "Machine":
        patch.setattr(find, "find_installation", lambda _: SERVER if self.server else None)
        patch.setattr(find, "private_node", self._private)
        patch.setattr(find.container, "docker_answers", lambda: self.docker)
        patch.setattr(find.container, "container_node", self._container)
        patch.setattr(find.debian, "can_install", lambda: self.apt)
        patch.setattr(find.debian, "install", self._install)
        return self

    def _private(self, _: Installation, source: str, *, keep_in: Path | None) -> AbstractContextManager[BrokerNode]:
        self.kept_in.append(keep_in)
        return node_from(source)

    @contextmanager
    def _container(self, *, keep_in: Path | None) -> Iterator[BrokerNode]:
        if not self.docker_works:
            raise ServerNotStarted("Docker could not start the image")
        self.kept_in.append(keep_in)
        with node_from("Docker") as node:
            yield node

    def _install(self, packages: list[str], _: object) -> None:
        assert packages == ["rabbitmq-server"]
        self.server = True


@contextmanager
def node_from(source: str) -> Iterator[BrokerNode]:
    yield BrokerNode("amqp://127.0.0.1:1/", "http://127.0.0.1:2", "4.3.6", source)


def source_on(machine: Machine, patch: pytest.MonkeyPatch) -> str:
    machine.use(patch)
    with find_broker({}) as node:
        return node.source


def test_a_server_of_the_machine_comes_before_docker_and_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_on(Machine(server=True, docker=True, apt=True), monkeypatch)

    assert source == "the rabbitmq-server of this machine"


def test_docker_comes_before_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source_on(Machine(docker=True, apt=True), monkeypatch) == "Docker"


def test_where_nothing_is_there_debian_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source_on(Machine(apt=True), monkeypatch) == "a rabbitmq-server installed with apt"


def test_a_docker_that_has_no_image_gives_way_to_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(docker=True, apt=True)
    machine.docker_works = False

    assert source_on(machine, monkeypatch) == "a rabbitmq-server installed with apt"


def test_a_docker_that_has_no_image_is_told_where_it_is_the_last_way(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(docker=True).use(monkeypatch)
    machine.docker_works = False

    with pytest.raises(ServerNotStarted, match="Docker could not start"), find_broker({}):
        pass


def test_where_no_way_is_open_all_four_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Machine().use(monkeypatch)

    with pytest.raises(NoBroker) as refused, find_broker({}):
        pass

    for way in ("POSTROOM_AMQP_URL", "rabbitmq-server", "Docker", "apt"):
        assert way in str(refused.value)


def test_only_a_persistent_node_keeps_its_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine = Machine(server=True).use(monkeypatch)

    with find_broker({}, data_dir=tmp_path), find_broker({}, data_dir=tmp_path, persistent=True):
        pass

    assert machine.kept_in == [None, tmp_path / "broker"]


def test_a_given_broker_is_not_ours_to_kill() -> None:
    node = BrokerNode("amqp://127.0.0.1:1/", "http://127.0.0.1:2", "4.3.6", "given")

    for act in (node.kill, node.stop, node.start):
        with pytest.raises(NotOurBroker):
            act()


def test_a_node_does_not_show_its_password() -> None:
    node = BrokerNode("amqp://me:canary-1@h/", "http://me:canary-2@h", "4.3.6", "given")

    assert "canary" not in repr(node)

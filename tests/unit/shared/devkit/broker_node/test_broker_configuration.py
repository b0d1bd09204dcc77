"""The configuration of a private node."""

from pathlib import Path, PurePosixPath

from postroom.devkit.broker_node.configuration import Identity, configuration_files, node_environment
from postroom.devkit.broker_node.installation import Installation

IDENTITY = Identity("postroom-1@localhost", amqp=1, management=2, prometheus=3, distribution=4, epmd=5)


def test_every_listener_is_on_loopback() -> None:
    settings = configuration_files(IDENTITY)["rabbitmq.conf"].splitlines()
    environment = node_environment(PurePosixPath("/node"), IDENTITY, "/bin")

    addresses = [line for line in settings if "listeners" in line or ".ip = " in line]
    assert addresses
    assert all("127.0.0.1" in line for line in addresses)
    assert environment["ERL_EPMD_ADDRESS"] == "127.0.0.1"
    assert "{127,0,0,1}" in environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]


def test_the_plugins_for_the_management_uis_move_form_are_on() -> None:
    plugins = configuration_files(IDENTITY)["enabled_plugins"]

    for plugin in ("rabbitmq_management", "rabbitmq_shovel", "rabbitmq_shovel_management", "rabbitmq_prometheus"):
        assert plugin in plugins


def test_the_environment_names_no_place_outside_the_nodes_folder() -> None:
    environment = node_environment(PurePosixPath("/node"), IDENTITY, "/bin")

    places = {name: value for name, value in environment.items() if value.startswith("/") and name != "PATH"}
    assert len(places) >= 8
    assert all(value.startswith("/node/") for value in places.values())


def test_a_step_of_the_ladder_that_a_death_of_the_broker_interrupted_is_repeated_after_seconds() -> None:
    environment = node_environment(PurePosixPath("/node"), IDENTITY, "/bin")

    given = environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]
    assert "-rabbit dead_letter_worker_publisher_confirm_timeout 15000" in given


def test_every_port_is_told() -> None:
    told = "\n".join(
        [*configuration_files(IDENTITY).values(), *node_environment(PurePosixPath("/n"), IDENTITY, "").values()]
    )

    assert all(str(port) in told for port in IDENTITY.ports())


def test_a_server_in_another_root_is_entered_with_mounts_of_its_own() -> None:
    installation = Installation("/server", epmd=None, path="/bin", root=Path("/other"))

    command = installation.command("/server", "--option", folder=Path("/a folder"))

    assert command[:2] == ["unshare", "--mount"]
    assert command[-4:] == ["/other", "/a folder", "/server", "--option"]
    assert installation.view_of("postroom-1@localhost") == PurePosixPath("/mnt")


def test_a_node_sees_its_folder_at_a_plain_path_of_its_own() -> None:
    installation = Installation("/server", None, "/bin")

    first, second = (installation.view_of(f"postroom-{number}@localhost") for number in (1, 2))

    assert first.parent.name == "postroom-1"
    assert first != second

import json

from postroom.broker.topology import Topology
from postroom.broker.topology.definitions import definitions


def test_a_definitions_file_has_no_users_and_no_secrets(topology: Topology) -> None:
    document = definitions(topology, "/", "4")

    assert set(document) == {"vhosts", "policies", "exchanges", "queues", "bindings"}
    assert "password" not in json.dumps(document)


def test_only_a_file_for_4_lifts_the_delivery_limit(topology: Topology) -> None:
    for_4 = json.dumps(definitions(topology, "/", "4"))
    for_3 = json.dumps(definitions(topology, "/", "3.10"))

    assert '"delivery-limit": -1' in for_4
    assert '"delivery-limit": -1' not in for_3


def test_every_part_is_in_the_given_virtual_host(topology: Topology) -> None:
    document = definitions(topology, "post/room", "4")

    assert document.pop("vhosts") == [{"name": "post/room"}]
    for kind, parts in document.items():
        assert {part["vhost"] for part in parts} == {"post/room"}
        assert len(parts) == len(getattr(topology, kind))

"""What exists on the broker, declared in one place as data."""

from postroom.broker.topology.ladder import LONGEST_WAIT, delay_ladder, walk_key
from postroom.broker.topology.model import Topology, build_topology, installation_topology
from postroom.broker.topology.parts import Binding, Exchange, Policy, Queue

__all__ = [
    "LONGEST_WAIT",
    "Binding",
    "Exchange",
    "Policy",
    "Queue",
    "Topology",
    "build_topology",
    "delay_ladder",
    "installation_topology",
    "walk_key",
]

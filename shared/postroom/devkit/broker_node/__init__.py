"""Where the broker comes from, and a RabbitMQ node of our own that never outlives us.

`python -m postroom.devkit.broker_node` runs one by itself.
"""

from postroom.devkit.broker_node.errors import NoBroker, NotOurBroker, ServerNotStarted
from postroom.devkit.broker_node.find import FOUR_WAYS, find_broker
from postroom.devkit.broker_node.node import BrokerNode

__all__ = ["FOUR_WAYS", "BrokerNode", "NoBroker", "NotOurBroker", "ServerNotStarted", "find_broker"]

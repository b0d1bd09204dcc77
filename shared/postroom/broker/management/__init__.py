"""A small client of RabbitMQ's management API: what a virtual host has, and how to change it.

Works on RabbitMQ 3.10 and 4.x. Counts of messages and consumers that it returns lag about five seconds behind
the broker; for the present counts ask over AMQP. Messages are never published through it.
"""

from postroom.broker.management.client import Management
from postroom.broker.management.records import (
    BindingInfo,
    ExchangeInfo,
    NodeInfo,
    PermissionInfo,
    PolicyInfo,
    QueueInfo,
    TopicPermissionInfo,
    UserInfo,
)
from postroom.wire.errors import ManagementError, ManagementRefused, ManagementUnavailable

__all__ = [
    "BindingInfo",
    "ExchangeInfo",
    "Management",
    "ManagementError",
    "ManagementRefused",
    "ManagementUnavailable",
    "NodeInfo",
    "PermissionInfo",
    "PolicyInfo",
    "QueueInfo",
    "TopicPermissionInfo",
    "UserInfo",
]

"""The runtime between RabbitMQ and a handler. This page has what a service's `handlers.py` needs."""

from postroom.runtime.consuming.delivery import Delivery
from postroom.runtime.registration import Adapters, Keep, Provider, Worker

__all__ = ["Adapters", "Delivery", "Keep", "Provider", "Worker"]

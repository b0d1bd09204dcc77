"""The runtime between RabbitMQ and a handler. This page has what a service's `handlers.py` needs."""

from shared.worker.delivery import Delivery
from shared.worker.registration import Adapters, Keep, Worker

__all__ = ["Adapters", "Delivery", "Keep", "Worker"]

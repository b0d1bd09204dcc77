"""What a service's handlers are registered on, and what they are given. A `handlers.py` needs nothing else of ours."""

from postroom.worker.delivery import Delivery
from postroom.worker.registration import Adapters, Keep, ProviderContact, Worker

__all__ = ["Adapters", "Delivery", "Keep", "ProviderContact", "Worker"]

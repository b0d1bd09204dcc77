"""Where a message goes: what RabbitMQ's exchanges do with it, by the same topology of handlers."""

from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple

from postroom import wire
from postroom.broker.publishing import Outgoing
from postroom.broker.topology.ladder import LEVELS
from postroom.standalone.tables import DEAD, READY
from postroom.wire.errors import Unroutable
from postroom.worker.registration import Subscription

NO_WAIT = timedelta(0)


class Target(NamedTuple):
    """A queue that gets a copy, the state in which it waits there, and for how long at least."""

    queue: str
    state: str
    wait: timedelta = NO_WAIT


class Routes:
    """The ways to the queues of these handlers."""

    def __init__(self, subscriptions: Collection[Subscription]) -> None:
        self._subscriptions = subscriptions
        self._queues = {each.queue for each in subscriptions}

    def targets(self, outgoing: Outgoing) -> list[Target]:
        """Where copies of it go: none for an event without listeners. Raises Unroutable like RabbitMQ."""
        key = outgoing.routing_key
        match outgoing.exchange:
            case wire.DEAD_LETTERS:
                return [Target(key, DEAD), *self.alerting()]
            case wire.DELAY:
                *digits, queue = key.split(".", LEVELS)
                return self._queue(queue, timedelta(seconds=int("".join(digits), 2)), outgoing)
            case "":
                return self._queue(key, NO_WAIT, outgoing)
            case wire.JOBS:
                return self._bound(outgoing) or [Target(wire.UNROUTED_QUEUE, DEAD), *self.alerting()]
            case wire.EVENTS:
                return self._bound(outgoing)
        raise Unroutable(f"{key} ({outgoing.message_id}): exchange {outgoing.exchange!r} does not exist")

    def alerting(self) -> list[Target]:
        """Alerting's queue, where alerting is among the services."""
        return [Target(wire.ALERTING_QUEUE, READY)] if wire.ALERTING_QUEUE in self._queues else []

    def _bound(self, outgoing: Outgoing) -> list[Target]:
        keys = {outgoing.routing_key, "#"}
        here = (each for each in self._subscriptions if each.exchange == outgoing.exchange)
        return [Target(each.queue, READY) for each in here if each.binding_key in keys]

    def _queue(self, queue: str, wait: timedelta, outgoing: Outgoing) -> list[Target]:
        if queue not in self._queues:
            raise Unroutable(f"{outgoing.routing_key} ({outgoing.message_id}): there is no queue {queue}")
        return [Target(queue, READY, wait)]

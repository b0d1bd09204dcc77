"""A queue of dead letters, and where its messages go when they are replayed."""

from dataclasses import dataclass

from postroom import wire
from postroom.wire.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """A queue of dead letters, and where a replay of its messages publishes.

    Attributes:
        source: the queue that holds them.
        exchange, routing_key: where a replay publishes; None as routing key means the one each message came with.
        died_in: what the messages' deaths are counted under.
    """

    source: str
    exchange: str
    routing_key: str | None
    died_in: str


def target_of(queue: str) -> ReplayTarget:
    """The target of replays from `queue`. Raises ConfigurationError for a queue that holds no dead letters."""
    if queue == wire.UNROUTED_QUEUE:
        return ReplayTarget(queue, wire.JOBS, None, wire.UNROUTED_QUEUE)
    work_queue = queue.removesuffix(wire.DEAD_SUFFIX)
    if work_queue == queue or not work_queue:
        raise ConfigurationError(
            f"{queue} holds no dead letters: did you mean {wire.dead_queue(work_queue or 'email.send')}?"
        )
    # The default exchange and the queue's name, as the management UI's "move messages" does it.
    return ReplayTarget(queue, "", work_queue, work_queue)

"""The delay ladder: any wait in whole seconds, with a fixed set of queues, none waiting behind another.

A wait is written as its binary digits. Level n is a queue that holds everything for 2^n seconds. A message
enters at its highest set digit; when a level lets it go, the exchange below looks at the next digit and either
sends it to that level or passes it on. After the last digit it returns to the queue named in its routing key.

The routing key is the digits from the highest level down, then the queue: `0.0.….1.0.1.email.send` is 5 s.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from postroom import wire
from postroom.broker.topology.parts import Binding, Exchange, Policy, Queue, quorum_queue

LEVELS = 20
"""Waits up to 2^20 - 1 s ≈ 12 days in one walk; a longer one walks again with what is left."""

LONGEST_WAIT = timedelta(seconds=2**LEVELS - 1)


@dataclass(frozen=True, slots=True)
class DelayLadder:
    """The ladder's part of the topology, and the routing keys that lead through it."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]
    policies: tuple[Policy, ...]

    @staticmethod
    def due_key(queue: str) -> str:
        """The binding key that takes a message out of the ladder to `queue`, whatever its wait was."""
        return "*." * LEVELS + queue


def walk_key(wait: timedelta, queue: str) -> str:
    """The routing key that brings a message to `queue` after `wait`, rounded up to whole seconds.

    Raises ValueError for a wait that is not positive or above LONGEST_WAIT.
    """
    seconds = math.ceil(wait.total_seconds())
    if not 0 < seconds < 2**LEVELS:
        raise ValueError(f"the ladder holds from 1 to {2**LEVELS - 1} seconds, not {seconds}")
    return ".".join(f"{seconds:0{LEVELS}b}") + "." + queue


def level_exchange(level: int) -> str:
    """The exchange that looks at the digit of `level`; the highest one is the ladder's entry."""
    if level == LEVELS - 1:
        return wire.DELAY
    return wire.DELAY_DUE if level < 0 else f"delay.level.{level}"


@cache
def delay_ladder() -> DelayLadder:
    """The ladder. Targets stand before what leads to them: an unroutable wait is tried again only every 180 s."""
    exchanges: list[Exchange] = [Exchange(wire.DELAY_DUE, "topic")]
    queues: list[Queue] = []
    bindings: list[Binding] = []
    policies: list[Policy] = []
    for level in range(LEVELS):
        exchange, below = level_exchange(level), level_exchange(level - 1)
        queue = f"delay.{2**level}s"
        digits_above = "*." * (LEVELS - 1 - level)
        exchanges.append(Exchange(exchange, "topic"))
        queues.append(quorum_queue(queue, **{"x-message-ttl": 2**level * 1000}))
        bindings += [
            Binding(exchange, below, f"{digits_above}0.#", to_exchange=True),
            Binding(exchange, queue, f"{digits_above}1.#"),
        ]
        policies.append(
            Policy(
                queue,
                {
                    "dead-letter-exchange": below,
                    "dead-letter-strategy": "at-least-once",
                    "overflow": "reject-publish",
                },
                unlimited_deliveries=True,
            )
        )
    return DelayLadder(tuple(exchanges), tuple(queues), tuple(bindings), tuple(policies))

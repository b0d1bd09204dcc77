"""Poison message detection: tells a message that fails by itself from one whose provider is away."""

from postroom.runtime.circuit import CircuitBreaker


class PoisonDetector:
    """What speaks for one message being the reason that it finds its provider away.

    Each time that others got through since it failed, it gets a strike: one, or CLEAR_STRIKE where nobody else had
    found the provider away meanwhile. One failure right before others get through may be the last moment of an outage,
    and some may be a provider that comes and goes; POISON_STRIKES are this message's.
    """

    POISON_STRIKES, CLEAR_STRIKE = 6, 3

    def __init__(self, circuit: CircuitBreaker) -> None:
        self._circuit = circuit
        self._strikes = 0
        self._failed_probes: int | None = None  # the circuit's when it failed, and its own since

    def record_outage(self, *, is_probe: bool) -> None:
        """It found the provider away, and the circuit knows."""
        if self._failed_probes is None:
            self._failed_probes = self._circuit.failed_probes
        else:
            self._failed_probes += is_probe

    def record_recovery(self) -> bool:
        """Others got through since: count that, and return whether it makes this message the cause."""
        is_clear = self._circuit.failed_probes == self._failed_probes
        self._strikes += self.CLEAR_STRIKE if is_clear else 1
        self._failed_probes = None
        return self._strikes >= self.POISON_STRIKES

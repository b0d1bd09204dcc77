"""Tells a message that fails while others get through from one whose provider is away."""

from postroom.runtime.circuit import Circuit


class Suspicion:
    """What speaks for one message being the reason that it finds its provider away.

    Each time that others got through since it failed, it gets a strike: one, or CLEAR_STRIKE where nobody else had
    found the provider away meanwhile. One failure right before others get through may be the last moment of an outage,
    and some may be a provider that comes and goes; MOST_STRIKES are this message's.
    """

    MOST_STRIKES, CLEAR_STRIKE = 6, 3

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._strikes = 0
        self._refused_probes: int | None = None  # the circuit's when it failed, and its own since

    def note_failure(self, *, is_probe: bool) -> None:
        """It found the provider away, and the circuit knows."""
        if self._refused_probes is None:
            self._refused_probes = self._circuit.refused_probes
        else:
            self._refused_probes += is_probe

    def grows(self) -> bool:
        """Others got through since: whether that makes it this message."""
        is_clear = self._circuit.refused_probes == self._refused_probes
        self._strikes += self.CLEAR_STRIKE if is_clear else 1
        self._refused_probes = None
        return self._strikes >= self.MOST_STRIKES

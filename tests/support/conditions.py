"""A condition log that tests can read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from postroom_alerting.incidents.conditions import Condition


@dataclass
class RecordingConditions:
    """ConditionLog in memory.

    Attributes:
        observed: every call, as source and keys.
    """

    observed: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    _lasting: dict[str, dict[str, Condition]] = field(default_factory=dict)

    async def observe(self, source: str, conditions: Sequence[Condition], now: datetime) -> None:  # noqa: ARG002
        """See ConditionLog."""
        self.observed.append((source, tuple(condition.key for condition in conditions)))
        self._lasting[source] = {condition.key: condition for condition in conditions}

    async def sources(self) -> Collection[str]:
        """See ConditionLog."""
        return {source for source, conditions in self._lasting.items() if conditions}

    @property
    def lasting(self) -> dict[str, Condition]:
        """What lasts now, by key."""
        return {key: condition for of_source in self._lasting.values() for key, condition in of_source.items()}

    def sees(self, key: str) -> Condition:
        """The condition, which must last."""
        assert key in self.lasting, f"{key} is not among {sorted(self.lasting)}"
        return self.lasting[key]

    def sees_no(self, key: str) -> bool:
        """That it has cleared, or never was."""
        assert key not in self.lasting, self.lasting[key].text
        return True

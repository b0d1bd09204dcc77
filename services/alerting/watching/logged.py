"""Conditions as lines of the service's log."""

import logging
from collections.abc import Sequence
from datetime import datetime

from services.alerting.conditions import Condition

log = logging.getLogger(__name__)


class LoggedConditions:
    """ConditionLog that keeps nothing beyond the process."""

    def __init__(self) -> None:
        self._lasting: dict[str, dict[str, Condition]] = {}  # by source and key

    async def observe(self, source: str, conditions: Sequence[Condition], now: datetime) -> None:  # noqa: ARG002
        """See ConditionLog."""
        before = self._lasting.get(source, {})
        self._lasting[source] = {condition.key: condition for condition in conditions}
        for key, condition in self._lasting[source].items():
            if key not in before:
                log.warning("%s: %s. %s", condition.kind, condition.text, condition.advice)
        for key in before.keys() - self._lasting[source].keys():
            log.warning("%s has cleared", key)

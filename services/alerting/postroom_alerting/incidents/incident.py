"""An incident: one cause of dead letters, or one condition, that people are notified of."""

from dataclasses import dataclass
from datetime import datetime

from postroom_alerting.classification import IncidentSeverity, IncidentType


@dataclass(frozen=True, slots=True)
class Incident:
    """A group of failures, or a condition, in its present state.

    Attributes:
        key: its id for `postroom alerts`, and that of a group for `postroom dead --group`.
        name, what: queue and error type, or subject and kind of condition.
        text: the newest error in full, masked; or what is wrong.
        place: where in the code the error was raised; empty for a condition.
        advice: what to do about a condition; empty for failures.
        episode: how often it has opened so far.
        total: dead letters since `first_at`; of a condition, how often it began.
        unsettled: messages that are still dead.
        last_hour, hour_before: dead letters in the last hour, and in the hour before that.
        message_ids: a few of the newest messages that are still dead.
    """

    key: str
    about: IncidentType
    name: str
    what: str
    severity: IncidentSeverity
    text: str
    is_open: bool
    first_at: datetime
    opened_at: datetime
    last_at: datetime
    closed_at: datetime | None = None
    closed_by: str = ""
    episode: int = 1
    total: int = 0
    unsettled: int = 0
    last_hour: int = 0
    hour_before: int = 0
    place: str = ""
    advice: str = ""
    message_ids: tuple[str, ...] = ()

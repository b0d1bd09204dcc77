"""How incidents are classified: what they are made of, and how severe they are."""

from enum import StrEnum


class IncidentType(StrEnum):
    """What an incident is made of: dead letters of one cause, or a condition of the installation."""

    FAILURES = "failures"
    CONDITION = "condition"


class IncidentSeverity(StrEnum):
    """How urgent an incident is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

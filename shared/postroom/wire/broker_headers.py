"""The broker's own headers: its records of deaths, and what of them goes along when a message is published again.

Whatever copies a message takes its headers through here: a retry, a dead letter, a replay, an import, a far job. The
broker drops a message that comes to a queue twice by its own dead-lettering as a cycle, so a message that begins
anew leaves the records of its deaths behind.
"""

from collections.abc import Mapping
from typing import Any, Final

DEATHS: Final = "x-death"
"""The broker's own record of where it dead-lettered a message, and from which queues of the delay ladder it came."""

_ROUTING = frozenset(("CC", "BCC"))  # the broker would send a copy to each key in them
_OF_ONE_QUEUE = ("x-delivery-count", "x-acquired-count", "x-opt-")
_DEATH_RECORDS = (DEATHS, "x-first-death", "x-last-death")


def headers_anew(headers: Mapping[str, Any]) -> dict[str, Any]:
    """`headers` for a message that begins anew: without the broker's records and counts, and without CC and BCC."""
    return _without(headers, (*_OF_ONE_QUEUE, *_DEATH_RECORDS))


def headers_as_dead(headers: Mapping[str, Any]) -> dict[str, Any]:
    """`headers` for a message that is moved as what it is: it keeps the records of its deaths, by which it is read."""
    return _without(headers, _OF_ONE_QUEUE)


def deaths_of(headers: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The broker's records of deaths and waits, newest first; nothing in them is checked."""
    deaths = headers.get(DEATHS)
    return [death for death in deaths if isinstance(death, Mapping)] if isinstance(deaths, list) else []


def _without(headers: Mapping[str, Any], prefixes: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if not name.startswith(prefixes) and name not in _ROUTING}

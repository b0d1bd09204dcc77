"""Several providers in order: which one is asked next, and for how long one that was away is left alone."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from postroom.privacy.masking import mask_text

log = logging.getLogger(__name__)

_Provider = TypeVar("_Provider")


@dataclass(frozen=True, slots=True)
class RestPeriod:
    """How long a provider that was away is passed over: `first`, then twice that …, at most `longest`."""

    first: timedelta
    longest: timedelta


@dataclass(slots=True)
class _Rest:
    """Until when (by the clock) one is passed over, how long that is, and whether a message is trying it."""

    until: float
    seconds: float
    is_probed: bool = False


class ProviderOrder(Generic[_Provider]):
    """The first that is not known to be away is asked first.

    After the rest of one that was away one message tries it; the others go on elsewhere.

    Args:
        providers: in order.
        rest: how long one that was away is passed over.
        called: how the log calls one, `Mail server mx1:25`.
        takes: what they take, `mail`.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        providers: Sequence[_Provider],
        rest: RestPeriod,
        *,
        called: Callable[[_Provider], str],
        takes: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._providers = providers
        self._rest = rest
        self._called = called
        self._takes = takes
        self._clock = clock
        self._away: dict[int, _Rest] = {}  # by place in the order: two may be equal

    def candidates(self, among: Collection[int] | None = None) -> Iterator[tuple[int, _Provider]]:
        """Places and providers, all or `among` some: first those that seem to be there, then the others too."""
        passed_over = []
        for place, provider in enumerate(self._providers):
            if among is not None and place not in among:
                continue
            rest = self._away.get(place)
            if rest is not None and rest.until > self._clock():
                passed_over.append((place, provider))
                continue
            if rest is not None:
                # This message finds out; the others do not wait for it.
                rest.until, rest.is_probed = self._clock() + rest.seconds, True
            yield place, provider
        yield from passed_over

    def note_away(self, place: int, reason: str) -> None:
        """It took nothing. What was under way when it went does not make its rest longer."""
        rest = self._away.get(place)
        if rest is None:
            log.warning("%s takes no %s: %s", self._called(self._providers[place]), self._takes, mask_text(reason))
            rest = self._away[place] = _Rest(0.0, self._rest.first.total_seconds())
        elif rest.is_probed:
            rest.seconds = min(rest.seconds * 2, self._rest.longest.total_seconds())
        else:
            return
        rest.is_probed = False
        rest.until = self._clock() + rest.seconds

    def note_back(self, place: int) -> None:
        """It answered."""
        if self._away.pop(place, None) is not None:
            log.info("%s takes %s again", self._called(self._providers[place]), self._takes)

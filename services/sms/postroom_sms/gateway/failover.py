"""Several gateways in order: the first one that is available sends."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from postroom.privacy.masking import mask_text
from postroom.wire.errors import JobError
from postroom_sms.errors import GatewayAnswerLost, GatewayUnavailable
from postroom_sms.gateway import Accepted, Gateway, Text

log = logging.getLogger(__name__)

FIRST_REST_SECONDS = 2.0
LONGEST_REST_SECONDS = 60.0
"""How long a gateway that was away is passed over: 2, 4, 8 … 60 s. One text then tries it again; the others go on
elsewhere. So the first gateway is used again a minute after it is back, at the latest."""


@dataclass(slots=True)
class _Rest:
    """Until when (by the clock) a gateway is passed over, how long that is, and whether a text is trying it."""

    until: float = 0.0
    seconds: float = FIRST_REST_SECONDS
    is_probed: bool = False


class Failover:
    """Sends over the first gateway that is there. It is a Gateway itself.

    Only GatewayUnavailable leads to the next: nothing was sent then. After a lost answer, or while a gateway
    throttles, nothing is sent elsewhere.

    Args:
        gateways: in order.
        clock: monotonic, in seconds.
    """

    name = "failover"

    def __init__(self, gateways: Sequence[Gateway], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateways = gateways
        self._clock = clock
        self._away: dict[int, _Rest] = {}  # by place in the order: two may have one name

    @property
    def knows_references(self) -> bool:
        """Whether every one of them does."""
        return all(gateway.knows_references for gateway in self._gateways)

    def recognises(self, name: str | None) -> bool:
        """Whether the gateway `name` recognises a reference it has seen. Of an unknown one that is known only where
        there is no other."""
        named = [gateway for gateway in self._gateways if gateway.name == name]
        if not named and len(self._gateways) == 1:
            named = list(self._gateways)
        return bool(named) and all(gateway.knows_references for gateway in named)

    async def deliver(self, text: Text, *, only: str | None = None) -> Accepted:
        """See Gateway. With `only`, nothing is sent by a gateway of another name, if there is one of this name.

        An GatewayAnswerLost names in `gateway` whose answer it was.
        """
        problems = []
        for place, gateway in self._candidates(only):
            try:
                accepted = await gateway.deliver(text)
            except GatewayUnavailable as error:
                self._note_away(place, str(error))
                problems.append(f"{gateway.name}: {error}")
                continue
            except GatewayAnswerLost as error:
                error.gateway = gateway.name
                raise
            except JobError:
                self._note_back(place)  # it answers
                raise
            self._note_back(place)
            return accepted
        raise GatewayUnavailable("no gateway takes texts; " + "; ".join(problems))

    def _candidates(self, only: str | None) -> Iterator[tuple[int, Gateway]]:
        """First those that are not known to be away; when none of them takes it, all the others too."""
        passed_over = []
        for place, gateway in self._named(only):
            rest = self._away.get(place)
            if rest is not None and rest.until > self._clock():
                passed_over.append((place, gateway))
                continue
            if rest is not None:
                # This text finds out; the others do not wait for it.
                rest.until, rest.is_probed = self._clock() + rest.seconds, True
            yield place, gateway
        yield from passed_over

    def _named(self, name: str | None) -> list[tuple[int, Gateway]]:
        everyone = list(enumerate(self._gateways))
        return [(place, gateway) for place, gateway in everyone if gateway.name == name] or everyone

    def _note_away(self, place: int, reason: str) -> None:
        rest = self._away.get(place)
        if rest is None:
            log.warning("Gateway %s takes no texts: %s", self._gateways[place].name, mask_text(reason))
            rest = self._away[place] = _Rest()
        elif rest.is_probed:
            rest.seconds = min(rest.seconds * 2, LONGEST_REST_SECONDS)
        else:
            return  # one of the many that were under way when it went
        rest.is_probed = False
        rest.until = self._clock() + rest.seconds

    def _note_back(self, place: int) -> None:
        if self._away.pop(place, None) is not None:
            log.info("Gateway %s takes texts again", self._gateways[place].name)

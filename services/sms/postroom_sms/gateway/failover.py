"""Several gateways in order: the first one that is available sends."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from postroom.runtime.failover import ProviderOrder, RestPeriod
from postroom.wire.errors import JobError
from postroom_sms.errors import GatewayAnswerLost, GatewayUnavailable
from postroom_sms.gateway import Accepted, Gateway, Text

REST = RestPeriod(first=timedelta(seconds=2), longest=timedelta(minutes=1))
"""How long a gateway that was away is passed over: 2, 4, 8 … 60 s. One text then tries it again; the others go on
elsewhere. So the first gateway is used again a minute after it is back, at the latest."""


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
        self._order = ProviderOrder(
            gateways, REST, called=lambda gateway: f"Gateway {gateway.name}", takes="texts", clock=clock
        )

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
        for place, gateway in self._order.candidates(self._places(only)):
            try:
                accepted = await gateway.deliver(text)
            except GatewayUnavailable as error:
                self._order.note_away(place, str(error))
                problems.append(f"{gateway.name}: {error}")
                continue
            except GatewayAnswerLost as error:
                error.gateway = gateway.name
                raise
            except JobError:
                self._order.note_back(place)  # it answers
                raise
            self._order.note_back(place)
            return accepted
        raise GatewayUnavailable("no gateway takes texts; " + "; ".join(problems))

    def _places(self, name: str | None) -> list[int] | None:
        """Of the gateways of that name; None, for all of them, when there is none."""
        return [place for place, gateway in enumerate(self._gateways) if gateway.name == name] or None

"""The e-mail service with dead letters, and what became of them."""

import json
from dataclasses import dataclass

from postroom import wire
from postroom.devkit.mailbox import MailServer
from postroom.testing import eventually
from tests.support.crash import Place, ServiceProcess

QUEUE, DEAD = "email.send", "email.send.dead"
REFUSED = "550 5.1.1 no such user here"


@dataclass(frozen=True)
class EmailHarness:
    """The e-mail service as a process, its queues, and the mail server that it sends to."""

    place: Place
    service: ServiceProcess
    server: MailServer

    async def bury(self, *names: str) -> None:
        """Have mails refused for good, so that they become dead letters `<name>-1`, in this order."""
        for number, name in enumerate(names, 1 + await self.place.depth(DEAD)):
            self.server.answer(f"{name}@example.com", REFUSED)
            body = {"to": f"{name}@example.com", "subject": "Invoice", "body": "Thank you."}
            await self.place.publish(wire.JOBS, QUEUE, json.dumps(body).encode(), f"{name}-1")
            await eventually(lambda number=number: self._has_dead(number))

    async def has_dead(self, **replays: int) -> None:
        """Wait until `<name>-1` are all that there is, replayed so often: `ada=1, ben=0`."""
        await eventually(lambda: self._are_dead({f"{name}-1": count for name, count in replays.items()}))

    async def has_sent_once(self, *names: str) -> None:
        """Wait until each of them has its mail; none has a second."""
        for name in names:
            assert len(await self.server.received(1, to=f"{name}@example.com")) == 1

    async def counted(self, outcome: str) -> float:
        """How many deliveries ended so."""
        return await self.service.metric(f'postroom_messages_total{{outcome="{outcome}",queue="{QUEUE}"}}')

    async def has_counted(self, outcome: str, expected: float) -> None:
        """Wait until so many deliveries ended so."""

        async def is_so() -> bool:
            return await self.counted(outcome) == expected

        await eventually(is_so)

    async def _has_dead(self, count: int) -> bool:
        assert (await self.place.depth(DEAD), await self.place.depth(QUEUE)) == (count, 0)
        return True

    async def _are_dead(self, expected: dict[str, int]) -> bool:
        letters = await self.place.look(DEAD)
        assert {each.message_id: each.headers.get(wire.X_REPLAYS, 0) for each in letters} == expected
        return await self._has_dead(len(expected))

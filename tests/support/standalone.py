"""Services at work without a broker, seen by a program that publishes."""

from dataclasses import dataclass

from postroom.standalone.broker import SqliteBroker
from postroom.standalone.transport import SqlitePublisher
from postroom.testing import eventually
from tests.support.patience import WORK


@dataclass
class Place:
    """Services at work without a broker, and a program that publishes."""

    broker: SqliteBroker

    def __post_init__(self) -> None:
        self.publisher = SqlitePublisher(self.broker, "a program")

    async def drained(self) -> None:
        """Wait until nothing waits nor is in work."""

        async def is_drained() -> bool:
            return await self.broker.count_ready() == 0

        await eventually(is_drained, within=WORK)

"""What a RabbitMQ node of a test's own has written to its folder."""

from postroom.devkit.broker_node import BrokerNode
from postroom.testing import eventually
from tests.support.patience import REACTION


async def are_written_down(broker: BrokerNode, *queues: str) -> None:
    """Wait until a node that is killed now would come back with these quorum queues.

    RabbitMQ 3.10 writes a new queue's name some half a second late, and says so to nobody.
    """
    assert broker.log is not None
    home = broker.log.parent.parent

    def check() -> bool:
        written = b"".join(file.read_bytes() for file in home.glob("data/*/quorum/*/names.dets"))
        return all(f"_{queue}".encode() in written for queue in queues)

    await eventually(check, within=REACTION)

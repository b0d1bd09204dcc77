"""Which queues of dead letters there are: the one thing that `postroom dead` asks the management API."""

from postroom import wire
from postroom.broker.management import Management
from postroom.settings import RuntimeSettings


def queues_of_dead_letters(settings: RuntimeSettings) -> list[str]:
    """All there are, empty ones among them."""
    with Management.from_settings(settings) as management:
        names = [queue.name for queue in management.queues()]
    return sorted(name for name in names if name.endswith(wire.DEAD_SUFFIX) or name == wire.UNROUTED_QUEUE)

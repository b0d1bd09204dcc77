"""How many messages wait: a busy broker says 0 of a quorum queue that it could not count in time."""

from types import SimpleNamespace
from typing import Any

import pytest

from postroom.broker.plain_connection import ready_in


class BusyChannel:
    """Answers with these counts, one after the other."""

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)

    async def declare_queue(self, _queue: str, *, passive: bool) -> Any:
        assert passive
        return SimpleNamespace(declaration_result=SimpleNamespace(message_count=self.counts.pop(0)))


@pytest.mark.parametrize(("counts", "expected"), [((7,), 7), ((0, 7), 7), ((0, 0, 7), 7), ((0, 0, 0), 0)])
async def test_a_queue_counts_as_empty_when_it_has_said_so_three_times(counts: tuple[int, ...], expected: int) -> None:
    channel = BusyChannel(*counts)

    assert await ready_in(channel, "email.send.dead") == expected  # type: ignore[arg-type]
    assert channel.counts == []

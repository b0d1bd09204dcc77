"""Messages on their way: a backlog, and a steady stream with the time that each of them takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

AT_ONCE = 500
"""Confirms waited for together."""

Send = Callable[[str], Awaitable[object]]
"""Publishes the message of that name, and returns when it is confirmed."""


async def publish_all(send: Send, names: Sequence[str]) -> None:
    """Publish as fast as the broker confirms."""
    for start in range(0, len(names), AT_ONCE):
        await asyncio.gather(*(send(name) for name in names[start : start + AT_ONCE]))


async def publish_steadily(send: Send, names: Sequence[str], per_second: float) -> dict[str, float]:
    """Publish so many a second, whether the ones before are confirmed or not. When each was (`time.perf_counter`)."""
    sent: dict[str, float] = {}
    began, publishing = time.perf_counter(), []
    for number, name in enumerate(names):
        await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
        sent[name] = time.perf_counter()
        publishing.append(asyncio.ensure_future(send(name)))
    await asyncio.gather(*publishing)
    return sent


async def all_there(names: Sequence[str], arrivals: Mapping[str, float], within_seconds: float = 120) -> None:
    """Return when all of them have come. Raises TimeoutError."""
    try:
        async with asyncio.timeout(within_seconds):
            while any(name not in arrivals for name in names):
                await asyncio.sleep(0.01)
    except TimeoutError:
        came = sum(name in arrivals for name in names)
        raise TimeoutError(f"{came} of {len(names)} came within {within_seconds:g} s") from None


async def latencies(send: Send, names: Sequence[str], arrivals: Mapping[str, float], per_second: float) -> list[float]:
    """Milliseconds from publish to arrival, at a steady rate."""
    sent = await publish_steadily(send, names, per_second)
    await all_there(names, arrivals)
    return [(arrivals[name] - moment) * 1000 for name, moment in sent.items()]

"""A worker that is killed after it recorded a try and before it published it: the next one publishes it, once."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from postroom import wire
from postroom.testing import eventually
from postroom_audit.handlers import worker as audit_worker
from tests.support import crash_worker
from tests.support.crash import Place, processes
from tests.support.crash_worker import QUEUE
from tests.support.patience import TAKEN_OVER


def untold(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / "counting.sqlite3")) as database:
        return database.execute("SELECT try_id FROM history WHERE NOT is_told").fetchall()


async def test_tries_that_a_killed_worker_wrote_down_are_told_by_the_next_one(
    place: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    place.prepare(crash_worker.worker, audit_worker)
    own, folder = {**environment, **place.environment}, tmp_path / "data"
    with processes(crash_worker.__name__, own, tmp_path, 1) as [victim]:
        await victim.ready()
        await place.publish(wire.JOBS, QUEUE, json.dumps({"is_hopeless": True}).encode(), "m-1")
        left = await eventually(lambda: untold(folder))
        victim.kill()
    assert untold(folder) == left
    assert [message for message in await place.take_all("audit.on.all") if message.routing_key == "job.recorded"] == []

    heard: list[Any] = []

    async def told() -> bool:
        for message in await place.take_all("audit.on.all"):
            if message.routing_key == "job.recorded":
                heard.extend(json.loads(message.body)["tries"])
        return len(heard) > 0 and not untold(folder)

    with processes(crash_worker.__name__, own, tmp_path, 1) as [survivor]:
        await survivor.ready()
        await eventually(told, within=TAKEN_OVER)
    ids = [each["id"] for each in heard]
    assert {each for (each,) in left} <= set(ids)
    assert len(ids) == len(set(ids))  # the message may have come again, as a try of its own

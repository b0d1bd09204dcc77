"""The scheduler as a process: commanded by messages, kept from its database, seen through the command line."""

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from postroom import wire
from postroom.testing import eventually
from postroom.wire.messages.schedule import rfc3339
from postroom_scheduler.handlers import worker as scheduler
from tests.support import crash_worker, processes
from tests.support.brokers import VirtualHost
from tests.support.crash import Place, ServiceProcess
from tests.support.crash import processes as service_processes
from tests.support.crash_worker import COUNTING_FILE, QUEUE, CountingFile
from tests.support.databases import service_database
from tests.support.patience import WORK
from tests.support.processes import PROJECT
from tests.support.proxy import proxy_to


@pytest.fixture
def place(vhost: VirtualHost) -> Place:
    place = Place(vhost.amqp_url, vhost.management_url)
    place.prepare(scheduler, crash_worker.worker)
    return place


@pytest.fixture
def counting(tmp_path: Path) -> CountingFile:
    return CountingFile(tmp_path / "steps")


@pytest.fixture
def told(place: Place, tmp_path: Path, counting: CountingFile) -> dict[str, str]:
    file = tmp_path / "schedules.yaml"
    file.write_text("schedules:\n" + " " * 90)
    return {
        **place.environment,
        "POSTROOM_DATA_DIR": str(tmp_path / "data"),
        "SCHEDULER_FILE": str(file),
        COUNTING_FILE: str(counting.path),
    }


@contextmanager
def running(told: dict[str, str], folder: Path) -> Iterator[ServiceProcess]:
    """The scheduler, and somebody who does what it publishes."""
    with ExitStack() as stack:
        (firing,) = stack.enter_context(service_processes("postroom_scheduler", told, folder, 1))
        stack.enter_context(service_processes("tests.support.crash_worker", told, folder, 1))
        yield firing


async def postroom(told: dict[str, str], *arguments: str) -> tuple[int, str]:
    ended = await processes.postroom(*arguments, environment={**told, "COLUMNS": "200"})
    return ended.code, ended.output


async def shown(told: dict[str, str], name: str) -> dict[str, Any]:
    code, output = await postroom(told, "schedules", "show", name, "--json")
    assert code == 0, output
    found: dict[str, Any] = json.loads(output)
    return found


async def publish(place: Place, kind: str, body: dict[str, Any], message_id: str, **headers: Any) -> None:
    await place.publish(wire.JOBS, kind, json.dumps(body).encode(), message_id, headers=headers)


async def test_a_schedule_made_by_a_message_fires_and_knows_that_its_job_is_done(
    place: Place, told: dict[str, str], counting: CountingFile, tmp_path: Path
) -> None:
    with running(told, tmp_path) as firing:
        await firing.ready()
        await publish(place, "scheduler.set", {"name": "tick", "cron": "* * * * * *", "job": QUEUE}, "set-1")
        hopeless = {"name": "dead", "every": "30d", "job": QUEUE, "body": {"is_hopeless": True}}
        await publish(place, "scheduler.set", hopeless, "set-2")

        async def states(name: str) -> list[str]:
            return [tick["state"] for tick in (await shown(told, name))["ticks"]]

        async def are_done() -> bool:
            return (await states("tick")).count("done") >= 2

        async def is_run() -> bool:
            return (await postroom(told, "schedules", "run", "dead"))[0] == 0

        await eventually(are_done, within=WORK)
        await eventually(is_run, within=WORK)
        (letter,) = await eventually(lambda: place.look(wire.dead_queue(QUEUE)), within=WORK)
        assert letter.headers[wire.X_SCHEDULE] == "dead"
        failed = {"queue": QUEUE, "job_id": letter.message_id, "error_type": "PermanentFailure", "error": "never works"}
        counts = {"attempts": 1, "replays": 0, "failed_at": rfc3339(datetime.now(UTC))}
        await place.publish(wire.EVENTS, "job.failed", json.dumps(failed | counts).encode(), "failed-1")

        async def is_dead() -> bool:
            return await states("dead") == ["dead"] and (await postroom(told, "schedules", "list"))[0] == 1

        await eventually(is_dead, within=WORK)

        await publish(place, "scheduler.remove", {"name": "tick"}, "remove-1")

        async def is_gone() -> bool:
            return (await postroom(told, "schedules", "show", "tick"))[0] == 2

        await eventually(is_gone, within=WORK)
    assert all(TICK.fullmatch(message_id) for message_id in counting.count("done"))
    assert set(counting.count("done").values()) == {1}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "x", "cron": "61 * * * *", "event": "thing.happened"}, "cron: "),
        ({"name": "x", "event": "thing.happened"}, "give exactly one of cron, every and at"),
        ({"name": "x", "every": "1h", "job": "report.generate"}, "body: no report.generate: type: Field required"),
    ],
)
async def test_a_broken_schedule_is_a_dead_letter_with_its_reason(
    place: Place, told: dict[str, str], tmp_path: Path, body: dict[str, Any], says: str
) -> None:
    with running(told, tmp_path) as firing:
        await firing.ready()
        await publish(place, "scheduler.set", body, "set-1")

        async def is_dead() -> bool:
            return await place.depth("scheduler.set.dead") == 1

        await eventually(is_dead, within=WORK)
    (letter,) = await place.look("scheduler.set.dead")
    assert says in str(letter.headers[wire.X_ERROR])


async def test_a_job_with_a_moment_of_its_own_is_done_then_under_its_own_id(
    place: Place, told: dict[str, str], counting: CountingFile, tmp_path: Path
) -> None:
    with running(told, tmp_path) as firing:
        await firing.ready()
        moment = datetime.now(UTC) + timedelta(seconds=4)
        for _ in range(2):
            await publish(place, QUEUE, {}, "soon", **{wire.RUN_AT: moment.isoformat()})
        await publish(place, QUEUE, {}, "far", **{wire.DELAY_SECONDS: 86400 * 20})
        await eventually(lambda: counting.count("done") == {"soon": 1}, within=WORK)
        assert counting.steps("done")[0].at >= moment.timestamp() - 1

        far = await shown(told, "far")
        due = datetime.fromisoformat(far["next"]) - datetime.now(UTC)
        assert (far["name"], far["source"], far["kind"]) == ("job:far", "job", QUEUE)
        assert timedelta(days=19, hours=23) < due < timedelta(days=20, minutes=1)
        code, _ = await postroom(told, "schedules", "move", "far", rfc3339(datetime.now(UTC) + timedelta(seconds=1)))
        assert code == 0
        await eventually(lambda: counting.count("done") == {"soon": 1, "far": 1}, within=WORK)


async def test_a_database_that_is_away_is_told_and_what_was_due_is_caught_up(
    place: Place, told: dict[str, str], counting: CountingFile, tmp_path: Path, postgres_url: str
) -> None:
    parts = urlsplit(postgres_url)
    async with proxy_to("127.0.0.1", parts.port or 5432) as proxy:
        user = parts.netloc.rpartition("@")[0]
        through = urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{proxy.port}"))
        with ExitStack() as stack:
            scheduler_told = {**told, "POSTROOM_DATABASE_URL": through}
            (firing,) = stack.enter_context(service_processes("postroom_scheduler", scheduler_told, tmp_path, 1))
            stack.enter_context(service_processes("tests.support.crash_worker", told, tmp_path, 1))
            await firing.ready()
            options = "catch_up: all, catch_up_limit: 10000"
            set_schedules(told, f"schedules:\n  - {{name: tick, every: 1s, job: {QUEUE}, {options}}}\n")
            os.kill(firing.pid, signal.SIGHUP)
            await eventually(lambda: len(counting.steps("done")) >= 2, within=WORK)
            await proxy.refuse()
            await eventually(lambda: has_problem(firing, "scheduler write"), within=WORK)
            known = len(counting.steps("done"))
            back_at = rfc3339(datetime.now(UTC).replace(microsecond=0))
            await proxy.listen()
            await eventually(lambda: f"tick@{back_at}" in counting.count("done"), within=WORK)
            await firing.ready()
    done = counting.count("done")
    assert set(done.values()) == {1}
    caught_up = sorted(datetime.fromisoformat(message_id.removeprefix("tick@")) for message_id in done)
    caught_up = [moment for moment in caught_up if rfc3339(moment) <= back_at]
    assert len(caught_up) >= known
    assert {later - earlier for earlier, later in pairwise(caught_up)} == {timedelta(seconds=1)}


async def has_problem(service: ServiceProcess, name: str) -> bool:
    return name in await service.problems()


TICK = re.compile(r"tick@\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def set_schedules(told: dict[str, str], text: str) -> None:
    Path(told["SCHEDULER_FILE"]).write_text(text)


def change_unnoticed(file: Path, text: str) -> None:
    """Change it so that its size and times stay: nobody would read it again by himself."""
    before = file.stat()
    file.write_text(text.ljust(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


async def test_the_file_is_read_again_on_sighup(told: dict[str, str], tmp_path: Path) -> None:
    with running(told, tmp_path) as firing:
        await firing.ready()
        change_unnoticed(Path(told["SCHEDULER_FILE"]), "schedules: [{name: n, every: 1h, event: a.b}]\n")
        os.kill(firing.pid, signal.SIGHUP)

        async def is_there() -> bool:
            return (await postroom(told, "schedules", "show", "n"))[0] == 0

        await eventually(is_there, within=WORK)


async def test_schedules_on_the_command_line(told: dict[str, str]) -> None:
    database = service_database(f"sqlite+aiosqlite:///{told['POSTROOM_DATA_DIR']}/scheduler.sqlite3", "scheduler")
    await database.migrate()
    await database.close()
    made = await postroom(told, "schedules", "set", "{name: hello, every: 1h, event: hello.said}")
    assert made[0] == 0
    assert "hello is set; next: 20" in made[1]
    listed = await postroom(told, "schedules", "list")
    assert all(word in listed[1] for word in ("hello", "every 1h"))
    moments = json.loads((await postroom(told, "schedules", "next", "3", "hello", "--json"))[1])
    assert [datetime.fromisoformat(moment).minute for moment in moments] == [0, 0, 0]
    assert "is paused" in (await postroom(told, "schedules", "pause", "hello"))[1]
    assert (await shown(told, "hello"))["next"] is None
    assert "fires again" in (await postroom(told, "schedules", "resume", "hello"))[1]
    assert "is due now, with message id hello@20" in (await postroom(told, "schedules", "run", "hello"))[1]
    assert [tick["state"] for tick in (await shown(told, "hello"))["ticks"]] == ["due"]
    assert "is removed" in (await postroom(told, "schedules", "remove", "hello"))[1]
    gone = await postroom(told, "schedules", "run", "hello")
    assert gone[0] == 2
    assert "there is no schedule 'hello'" in gone[1]


async def test_a_file_is_checked_on_the_command_line(told: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("schedules:\n  - {name: good, every: 1h, event: a.b}\n  - {name: bad, every: soon, event: a.b}\n")
    code, output = await postroom(told, "schedules", "check", str(file))
    assert code == 1
    assert f"{file}:3: bad: every: " in " ".join(output.split())
    assert "good" in output
    assert (
        await postroom(
            told, "schedules", "check", str(PROJECT / "services/scheduler/postroom_scheduler/schedules.yaml")
        )
    )[0] == 0

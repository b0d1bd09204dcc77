"""Schedules over HTTP: who may, what changes, and what is said of mistakes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from postroom.wire.messages import DeferJob
from postroom.wire.messages.schedule import rfc3339
from postroom_scheduler.api import open_api
from postroom_scheduler.scheduler import WallClock
from postroom_scheduler.settings import SchedulerSettings
from postroom_scheduler.sql_schedules import SqlSchedules
from tests.support.databases import service_database
from tests.support.http import http_client

TOKEN = "a-token-of-24-characters"
HELLO = {"every": "10s", "event": "hello.said"}


@pytest.fixture
async def schedules(tmp_path: Path) -> AsyncIterator[SqlSchedules]:
    database = service_database(f"sqlite+aiosqlite:///{tmp_path}/scheduler.sqlite3", "scheduler")
    await database.migrate()
    yield SqlSchedules(database)
    await database.close()


@pytest.fixture
def changes() -> list[str]:
    return []


@pytest.fixture
async def api(schedules: SqlSchedules, changes: list[str]) -> AsyncIterator[httpx.AsyncClient]:
    settings = SchedulerSettings(api_token=SecretStr(TOKEN), api_port=0)
    async with open_api(settings, schedules, WallClock(), lambda: changes.append("changed")) as url:
        assert url is not None
        headers = {"Authorization": f"Bearer {TOKEN}", "X-Actor": "ada"}
        async with http_client(base_url=url, headers=headers) as client:
            yield client


async def test_without_a_token_in_the_settings_nothing_listens(schedules: SqlSchedules) -> None:
    async with open_api(SchedulerSettings(), schedules, WallClock(), lambda: None) as url:
        assert url is None


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
async def test_nobody_without_the_token_sees_or_changes_anything(
    api: httpx.AsyncClient, schedules: SqlSchedules, given: dict[str, str]
) -> None:
    async with http_client(base_url=api.base_url, headers=given) as stranger:
        answers = [
            await stranger.get("/schedules"),
            await stranger.put("/schedules/hello", json=HELLO),
            await stranger.get("/nothing"),
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert await schedules.all() == []


async def test_a_schedule_is_made_changed_paused_run_and_removed(
    api: httpx.AsyncClient, schedules: SqlSchedules, changes: list[str]
) -> None:
    made = (await api.put("/schedules/hello", json=HELLO)).raise_for_status().json()
    assert (made["when"], made["source"], made["changed_by"]) == ("every 10s", "database", "ada (API)")
    changed = (await api.put("/schedules/hello", json={**HELLO, "every": "1h"})).raise_for_status().json()
    assert changed["when"] == "every 1h"
    assert (await api.post("/schedules/hello/pause")).json()["next"] is None
    assert (await api.post("/schedules/hello/resume")).json()["next"] is not None
    run = (await api.post("/schedules/hello/run")).raise_for_status().json()
    assert [tick.message_id for tick in await schedules.history("hello")] == [run["message_id"]]
    assert [each["name"] for each in (await api.get("/schedules")).json()] == ["hello"]
    assert (await api.get("/schedules/hello")).json()["ticks"][0]["state"] == "due"
    assert (await api.delete("/schedules/hello")).status_code == 200
    assert (await api.get("/schedules/hello")).status_code == 404
    assert len(changes) == 6


async def test_a_far_job_is_moved(api: httpx.AsyncClient, schedules: SqlSchedules) -> None:
    now = WallClock().now()
    job = DeferJob(at=now + timedelta(days=20), job="email.send", job_id="lease-17", body={})
    await schedules.defer(job, now)
    later = rfc3339((now + timedelta(days=40)).replace(microsecond=0))
    moved = (await api.post("/schedules/lease-17/move", json={"at": later})).raise_for_status().json()
    assert (moved["name"], moved["next"]) == ("job:lease-17", later)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "no JSON"),
        (b"[]", "write a JSON object"),
        (b'{"event": "hello.said"}', "exactly one of cron, every and at"),
        (b'{"cron": "61 * * * *", "event": "hello.said"}', "cron: "),
        (b'{"name": "other", "every": "10s", "event": "hello.said"}', "the URL says hello"),
    ],
)
async def test_what_cannot_be_meant_is_answered_with_the_reason(
    api: httpx.AsyncClient, schedules: SqlSchedules, body: bytes, says: str
) -> None:
    answer = await api.put("/schedules/hello", content=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert await schedules.all() == []


async def test_a_name_that_is_not_there_is_not_found(api: httpx.AsyncClient) -> None:
    calls = [api.get("/schedules/x"), api.delete("/schedules/x"), api.post("/schedules/x/run")]
    assert [(await call).status_code for call in calls] == [404, 404, 404]

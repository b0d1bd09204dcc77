"""The HTTP API of schedules, protected by a token: see docs/schedules.md."""

import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from postroom import wire
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import SetSchedule, describe_problems
from postroom.wire.messages.schedule import rfc3339
from postroom_scheduler.errors import BrokenSchedule, UnknownSchedule
from postroom_scheduler.scheduler import Clock
from postroom_scheduler.settings import SchedulerSettings
from postroom_scheduler.sql_schedules import SqlSchedules, moment_of
from postroom_scheduler.views import described, described_tick

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LONGEST_ACTOR = 200


@asynccontextmanager
async def open_api(
    settings: SchedulerSettings, schedules: SqlSchedules, clock: Clock, changed: Callable[[], None]
) -> AsyncIterator[str | None]:
    """Answer until the end of the block; yields the URL, None without a token. `changed` is called after a change.

    Raises ConfigurationError when the port is taken.
    """
    if settings.api_token is None:
        yield None
        return
    api = _Api(schedules, clock, changed)
    guard = _guarded_by(settings.api_token.get_secret_value())
    application = web.Application(client_max_size=wire.MAX_BODY_BYTES * 2, middlewares=[guard])
    application.add_routes(
        [
            web.get("/schedules", api.list),
            web.get("/schedules/{name}", api.show),
            web.put("/schedules/{name}", api.put),
            web.delete("/schedules/{name}", api.remove),
            web.post("/schedules/{name}/{verb:run|pause|resume|move}", api.change),
        ]
    )
    runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        yield await _listen(runner, settings)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: SchedulerSettings) -> str:
    try:
        await web.TCPSite(runner, settings.api_host, settings.api_port).start()
    except OSError as error:
        raise ConfigurationError(
            f"the API cannot listen on {settings.api_host}:{settings.api_port} ({error.strerror}); set "
            "SCHEDULER_API_PORT to a free port, or to 0 for any"
        ) from None
    host, port = runner.addresses[0][:2]
    log.info("API at http://%s:%d/schedules", host, port)
    return f"http://{host}:{port}"


class _Api:
    def __init__(self, schedules: SqlSchedules, clock: Clock, changed: Callable[[], None]) -> None:
        self._schedules = schedules
        self._clock = clock
        self._changed = changed

    async def list(self, _request: web.Request) -> web.Response:
        return _json([described(each) for each in await self._schedules.all()])

    async def show(self, request: web.Request) -> web.Response:
        seen = await self._schedules.one(request.match_info["name"])
        ticks = await self._schedules.history(seen.name)
        return _json(described(seen) | {"ticks": [described_tick(tick) for tick in ticks]})

    async def put(self, request: web.Request) -> web.Response:
        fields = await _object(request)
        name = request.match_info["name"]
        if fields.setdefault("name", name) != name:
            raise BrokenSchedule(f"name: the URL says {name}")
        await self._schedules.put(SetSchedule.model_validate(fields), _actor(request), self._clock.now())
        return await self._changed_to(name)

    async def remove(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        await self._schedules.remove(name)
        log.info("Schedule %s was removed by %s", name, _actor(request))
        self._changed()
        return _json({"name": name, "removed": True})

    async def change(self, request: web.Request) -> web.Response:
        name, by, now = request.match_info["name"], _actor(request), self._clock.now()
        match request.match_info["verb"]:
            case "run":
                message_id = await self._schedules.run_now(name, now)
                log.info("Schedule %s was run by %s", name, by)
                self._changed()
                return _json({"name": name, "message_id": message_id})
            case "move":
                await self._schedules.move(name, moment_of(str((await _object(request)).get("at"))), by, now)
            case verb:
                await self._schedules.pause(name, by, now, is_paused=verb == "pause")
        return await self._changed_to(name)

    async def _changed_to(self, name: str) -> web.Response:
        self._changed()
        return _json(described(await self._schedules.one(name)))


def _guarded_by(token: str) -> Any:
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode(errors="replace")
        if not hmac.compare_digest(given, expected):
            return _json({"error": "send the header Authorization: Bearer <SCHEDULER_API_TOKEN>"}, 401)
        try:
            return await handler(request)
        except UnknownSchedule as error:
            return _json({"error": str(error)}, 404)
        except BrokenSchedule as error:
            return _json({"error": str(error)}, 400)
        except ValidationError as error:
            return _json({"error": describe_problems(error)}, 400)
        except (SQLAlchemyError, OSError) as error:
            log.warning("An API call failed at the database: %s", type(error).__name__)
            return _json({"error": "the scheduler's database does not answer; try again"}, 503)

    return guard


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        fields = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise BrokenSchedule(f"body: no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise BrokenSchedule("body: write a JSON object")
    return fields


def _actor(request: web.Request) -> str:
    return f"{request.headers.get('X-Actor', 'somebody')[:_LONGEST_ACTOR]} (API)"


def _json(value: Any, status: int = 200) -> web.Response:
    body = orjson.dumps(value, default=rfc3339)
    return web.Response(body=body, status=status, content_type="application/json")

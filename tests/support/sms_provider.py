"""A provider with a plain HTTP API on loopback, as the generic gateway is described to it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Provider:
    """Keeps what it is asked to send.

    Attributes:
        answers: given to the next requests, as (status, body, headers); then it accepts.
        times: when each request came (time.monotonic()).
    """

    port: int = 0
    texts: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    hangs: bool = False

    @property
    def url(self) -> str:
        """Where texts are posted."""
        return f"http://127.0.0.1:{self.port}/send"

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.times.append(time.monotonic())
        self.headers.append(dict(request.headers))
        fields = await request.json()
        if self.answers:
            status, body, headers = self.answers.pop(0)
            return web.Response(status=status, text=json.dumps(body), headers=headers)
        self.texts.append(fields)
        if self.hangs:
            await asyncio.Event().wait()
        return web.json_response({"status": "queued", "message": {"id": f"p-{len(self.texts)}"}})

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Provider"]:
        """Listen; the second time on the same port."""
        app = web.Application()
        app.router.add_post("/send", self._take)
        runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self.port).start()
            self.port = runner.addresses[0][1]
            yield self
        finally:
            await runner.cleanup()

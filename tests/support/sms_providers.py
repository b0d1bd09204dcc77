"""Providers with an HTTP API on loopback: Twilio's and a plain one of ours, and what can go wrong before moto's SNS."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from moto.server import ThreadedMotoServer

from tests.support.http import http_client

SID, CANARY = "AC00000000000000000000000000000001", "canary99"


class Trouble(StrEnum):
    """What a far side does instead of taking a text."""

    THROTTLES = "throttles"
    REFUSES = "refuses"
    OPTED_OUT = "opted out"
    SILENT = "silent"
    RESETS = "resets"
    GARBLES = "garbles"
    STREAMS = "streams"
    AWAY = "away"


@dataclass(frozen=True)
class Taken:
    """A text that reached the far side."""

    to: str
    content: str
    sender: str | None = None
    reference: str | None = None


Scripted = tuple[int, Mapping[str, str], Any]
"""An answer: status, headers, body."""


@dataclass
class Provider:
    """An HTTP provider. `answers` are given first, one for each request."""

    accept: Callable[[web.Request, Mapping[str, str]], Any]
    answers: list[Scripted] = field(default_factory=list)
    trouble: Trouble | None = None
    texts: list[Taken] = field(default_factory=list)
    forms: list[Mapping[str, str]] = field(default_factory=list)
    requests: int = 0
    url: str = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Read the request whole, then do as told."""
        self.requests += 1
        form = dict(await request.json() if request.content_type == "application/json" else await request.post())
        if self.trouble is Trouble.RESETS:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if self.trouble is Trouble.SILENT:
            await asyncio.Event().wait()
        if self.trouble is Trouble.STREAMS:
            return await _stream_for_ever(request)
        if self.trouble is Trouble.GARBLES:
            return web.Response(body=b'{"sid": ', content_type="application/json")
        if self.answers:
            status, headers, body = self.answers.pop(0)
            return _response(status, headers, body)
        self.forms.append(form)
        answer = self.accept(request, form)
        return await answer if asyncio.iscoroutine(answer) else answer


async def _stream_for_ever(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 4096)


def _response(status: int, headers: Mapping[str, str], body: Any) -> web.Response:
    if isinstance(body, str):
        return web.Response(status=status, headers=headers, text=body, content_type="text/xml")
    return web.json_response(body, status=status, headers=headers)


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[Callable[[], Any]]:
    """The provider on a port of its own; yields what takes it down."""
    app = web.Application()
    app.router.add_post("/{path:.*}", provider.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield runner.cleanup
    finally:
        await runner.cleanup()


def twilio_stand_in() -> Provider:
    """Answers as the documented Messages API does."""

    def accept(request: web.Request, form: Mapping[str, str]) -> web.Response:
        login = "Basic " + base64.b64encode(f"{SID}:{CANARY}".encode()).decode()
        is_known = request.path == f"/2010-04-01/Accounts/{SID}/Messages.json"
        if not is_known or request.headers.get("Authorization") != login:
            return web.json_response({"code": 20003, "message": "Authenticate", "status": 401}, status=401)
        if not {"To", "Body"} <= form.keys() or not {"From", "MessagingServiceSid"} & form.keys():
            return web.json_response({"code": 21604, "message": "A field is missing", "status": 400}, status=400)
        provider.texts.append(Taken(form["To"], form["Body"], form.get("From") or form["MessagingServiceSid"]))
        return web.json_response({"sid": f"SM{len(provider.texts):032d}", "status": "queued"}, status=201)

    provider = Provider(accept)
    return provider


def plain_stand_in() -> Provider:
    """A provider as the settings SMS_HTTP_… may describe one."""

    def accept(_request: web.Request, form: Mapping[str, str]) -> web.Response:
        provider.texts.append(Taken(form["to"], form["text"], form.get("from"), form.get("reference")))
        return web.json_response({"status": "ok", "id": f"id-{len(provider.texts)}"})

    provider = Provider(accept)
    return provider


def in_front_of(url: str) -> Provider:
    """Passes requests on to `url`, until told otherwise."""

    async def accept(request: web.Request, form: Mapping[str, str]) -> web.Response:
        kept = {name: request.headers[name] for name in ("Content-Type", "Authorization", "X-Amz-Date")}
        async with http_client() as client:
            answer = await client.post(url, content=await request.read(), headers=kept)
        provider.texts.append(Taken(form["PhoneNumber"], form["Message"], form.get(_SENDER)))
        return web.Response(status=answer.status_code, body=answer.content, content_type="text/xml")

    provider = Provider(accept)
    return provider


_SENDER = "MessageAttributes.entry.2.Value.StringValue"


@asynccontextmanager
async def moto_server() -> AsyncIterator[str]:
    """The URL of moto's server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    await asyncio.to_thread(server.start)
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}/"
    finally:
        await asyncio.to_thread(server.stop)

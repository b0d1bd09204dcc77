"""One suite for every Caller, and what only the real one can be asked: bad receivers, TLS, addresses."""

import asyncio
import itertools
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from postroom_webhook.caller import READ_BYTES, BodyEnding, Caller, HttpRequest, HttpResponse
from postroom_webhook.caller.http import http_caller
from postroom_webhook.errors import (
    AddressNotAllowed,
    ReceiverTimedOut,
    ReceiverUnreachable,
    ReceiverUntrusted,
)
from postroom_webhook.networks import AllowedAddresses
from postroom_webhook.urls import parse_target
from tests.support.patience import REACTION, seconds
from tests.support.webhook_fakes import RecordingCaller, ScriptedResolver, server_tls
from tests.support.webhook_receivers import (
    Receiver,
    answering,
    dripping_headers,
    hanging_up,
    receiver,
    silent,
    streaming,
)

LOOPBACK = AllowedAddresses([ip_network("127.0.0.0/8")])


@dataclass
class CallerAndReceiver:
    """A caller, where it is to call, and what arrived there as (method, body)."""

    caller: Caller
    url: str
    arrived: Callable[[], list[tuple[str, bytes]]]
    answer: Callable[[HttpResponse], None]


@pytest.fixture(params=["fake", "http"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[CallerAndReceiver]:
    if request.param == "fake":
        fake = RecordingCaller()
        calls = lambda: [(each.method, each.body or b"") for each in fake.calls]  # noqa: E731
        yield CallerAndReceiver(fake, "http://127.0.0.1:9/hook", calls, fake.answers.append)
        return
    async with receiver() as far, http_caller(LOOPBACK) as caller:

        def answer(given: HttpResponse) -> None:
            headers: Any = {name.replace("-", "_"): value for name, value in given.headers.items()}
            far.script.append(answering(given.status, given.body, **headers))

        yield CallerAndReceiver(caller, far.url, lambda: [(each.method, each.body) for each in far.requests], answer)


def call_to(url: str, *, limit: float | None = None, **changes: Any) -> HttpRequest:
    fields = {"method": "POST", "headers": {"X-A": "1"}, "body": b'{"n":1}'} | changes
    return HttpRequest(target=parse_target(url), time_limit=timedelta(seconds=limit or seconds(REACTION)), **fields)


async def test_a_call_arrives_and_its_answer_comes_back(both: CallerAndReceiver) -> None:
    answer = await both.caller.call(call_to(both.url, method="PUT"))

    assert (answer.status, answer.body, answer.ending) == (200, b"ok", BodyEnding.COMPLETE)
    assert both.arrived() == [("PUT", b'{"n":1}')]


@pytest.mark.parametrize("status", [201, 302, 404, 410, 429, 503])
async def test_every_status_is_an_answer_and_comes_with_its_headers(both: CallerAndReceiver, status: int) -> None:
    both.answer(HttpResponse(status, {"retry-after": "7", "location": "/elsewhere"}, b"words"))

    answer = await both.caller.call(call_to(both.url))

    assert (answer.status, answer.body) == (status, b"words")
    assert answer.headers["retry-after"] == "7"
    assert len(both.arrived()) == 1


@asynccontextmanager
async def real(far: Receiver, name: str | None = None, **options: Any) -> AsyncIterator[tuple[Caller, str]]:
    """The real caller, and the URL of `far` under a name that leads to it."""
    resolver = ScriptedResolver(["127.0.0.1"])
    async with http_caller(LOOPBACK, resolver=resolver, **options) as caller:
        yield caller, far.url.replace("127.0.0.1", name) if name else far.url


@pytest.mark.parametrize("total", [None, 1_000_000_000], ids=["for ever", "1 GB"])
async def test_an_answer_without_end_is_read_up_to_the_cap_in_little_memory(total: int | None) -> None:
    sent = 0

    async def stream(request: Any, writer: asyncio.StreamWriter) -> None:
        write = writer.write

        def count(data: bytes) -> None:
            nonlocal sent
            sent += len(data)
            write(data)

        writer.write = count  # type: ignore[method-assign]
        await streaming(total)(request, writer)

    async with receiver(stream) as far, real(far) as (caller, url):
        tracemalloc.start()
        answers = [await caller.call(call_to(url)) for _ in range(10)]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert {(answer.status, len(answer.body), answer.ending) for answer in answers} == {
        (200, READ_BYTES, BodyEnding.CAPPED)
    }
    assert peak < 20_000_000
    assert sent < 10 * 20_000_000  # of which nearly all is in the buffers of the sockets


@pytest.mark.parametrize("behave", [silent, dripping_headers], ids=["never answers", "slow headers"])
async def test_a_receiver_that_does_not_come_to_the_point_is_left_in_time(behave: Any) -> None:
    # The receiver never comes to an end: that the call does is the proof.
    async with receiver(behave) as far, real(far) as (caller, url):
        with pytest.raises(ReceiverTimedOut, match=r"127.0.0.1:\d+ did not answer within 0.3 s"):
            await caller.call(call_to(url, limit=0.3))


async def test_a_body_that_drips_ends_at_the_time_limit_and_its_status_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, passed = asyncio.get_running_loop(), 0.0
    real_time = loop.time
    monkeypatch.setattr(loop, "time", lambda: real_time() + passed)

    async def drip(_request: Any, writer: asyncio.StreamWriter) -> None:
        nonlocal passed
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        for dripped in itertools.count():
            writer.write(b"x")
            if dripped == 20:
                passed = 3600.0  # the caller has the status by now: the loop has turned for it 20 times
            await asyncio.sleep(0.02)

    async with receiver(drip) as far, real(far) as (caller, url):
        answer = await caller.call(call_to(url, limit=3600))

    assert (answer.status, answer.ending) == (200, BodyEnding.BROKEN_OFF)
    assert 0 < len(answer.body) < 1000


async def test_a_hundred_redirects_are_not_followed() -> None:
    async with receiver(answering(302, location="/again")) as far, real(far) as (caller, url):
        assert [(await caller.call(call_to(url))).status for _ in range(100)] == [302] * 100

    assert len(far.requests) == 100


async def test_a_refused_or_broken_connection_is_unreachable() -> None:
    async with receiver(hanging_up) as far, real(far) as (caller, url):
        with pytest.raises(ReceiverUnreachable):
            await caller.call(call_to(url))
    async with http_caller(LOOPBACK) as caller:
        with pytest.raises(ReceiverUnreachable, match=r"^127.0.0.1:\d+: ") as error:
            await caller.call(call_to(url))

    assert "secret-query" not in str(error.value)


async def test_a_name_without_an_address_is_unreachable() -> None:
    async with http_caller(LOOPBACK, resolver=ScriptedResolver([])) as caller:
        with pytest.raises(ReceiverUnreachable, match="no address is known"):
            await caller.call(call_to("http://nowhere.example/"))


async def test_cookies_of_one_call_are_not_sent_with_the_next() -> None:
    async with receiver(answering(set_cookie="a=1; Path=/")) as far, real(far, "hook.example") as (caller, url):
        await caller.call(call_to(url))
        await caller.call(call_to(url))

    assert [request.headers.get("cookie") for request in far.requests] == [None, None]
    assert far.connections == 1


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with receiver() as far, real(far) as (caller, url):
        assert (await caller.call(call_to(url))).status == 200


async def test_tls_names_the_host_and_its_certificate_is_checked(tmp_path: Path) -> None:
    tls, trusted = server_tls(tmp_path, "hook.example")
    async with receiver(tls=tls) as far:
        async with real(far, "hook.example", ca_file=trusted) as (caller, url):
            assert (await caller.call(call_to(url))).status == 200
        async with real(far, "other.example", ca_file=trusted) as (caller, url):
            with pytest.raises(ReceiverUntrusted, match=r"other\.example"):
                await caller.call(call_to(url))
        async with real(far, "hook.example") as (caller, url):
            with pytest.raises(ReceiverUntrusted, match="WEBHOOK_CA_FILE"):
                await caller.call(call_to(url))

    assert [request.headers["host"] for request in far.requests] == [f"hook.example:{far.port}"]


async def test_a_name_that_leads_elsewhere_at_the_second_lookup_is_looked_up_once() -> None:
    resolver = ScriptedResolver(["127.0.0.2"], ["127.0.0.1"])  # checked: the first; rebound: to the second
    async with (
        receiver() as far,
        http_caller(AllowedAddresses([ip_network("127.0.0.2/32")]), resolver=resolver) as caller,
    ):
        with pytest.raises(ReceiverUnreachable):  # nobody listens there, and that is where it went
            await caller.call(call_to(far.url.replace("127.0.0.1", "rebound.example")))
        assert resolver.asked == ["rebound.example"]
        with pytest.raises(AddressNotAllowed, match=r"rebound.example leads to 127.0.0.1 \(loopback\)"):
            await caller.call(call_to(far.url.replace("127.0.0.1", "rebound.example")))

    assert far.connections == 0


async def test_of_several_addresses_only_allowed_ones_are_called() -> None:
    resolver = ScriptedResolver(["10.0.0.1", "169.254.169.254", "127.0.0.1"])
    async with receiver() as far, http_caller(LOOPBACK, resolver=resolver) as caller:
        answer = await caller.call(call_to(far.url.replace("127.0.0.1", "several.example")))

    assert answer.status == 200


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "0.0.0.0"],  # noqa: S104
)
async def test_without_the_setting_nothing_inside_is_called(host: str) -> None:
    async with receiver() as far, http_caller(AllowedAddresses()) as caller:
        with pytest.raises(AddressNotAllowed, match="WEBHOOK_ALLOWED_NETWORKS"):
            await caller.call(call_to(f"http://{host}:{far.port}/"))

    assert far.connections == 0

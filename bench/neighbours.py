"""Who suffers from whom, each as a ratio to being alone: `python -m bench.neighbours`.

One-time codes beside a backlog of texts, a quick host beside one that never answers, mails beside a template that
loops.
"""

import asyncio
import json
import statistics
import tempfile
from bisect import bisect
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.broker import arrivals_in
from bench.calls import Sink as HttpSink
from bench.calls import call_settings, text_of, webhook_of
from bench.family import Family, Figures, run_alone, size
from bench.mails import Sink, subjects
from bench.publishing import latencies, publish_all
from bench.service import running_service
from postroom import wire
from postroom.broker.publishing import Publisher
from postroom.devkit.broker_node import BrokerNode
from postroom.wire.messages import SendEmail, UserOtpRequested

CODE = "Your code is "
TEXTS_PER_SECOND = 50
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{{ '' }}{% endfor %}{% endfor %}"
TEMPLATE_SECONDS = 0.5
"""Of processor time, after which a template is ended (services/email/postroom_email/rendering/child.py)."""
QUICK_END = {"POSTROOM_DRAIN_SECONDS": "0.5"}
"""For services that have work which does not end."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    texts: int = size(3_000, "texts that codes overtake")
    codes: int = size(20, "one-time codes, 10 a second")
    silent_calls: int = size(500, "calls of a host that never answers")
    quick_calls: int = size(100, "calls of a quick host, 20 a second")
    templated_mails: int = size(200, "mails beside a template that loops, 40 a second")


async def codes(broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """One-time codes: alone, beside texts that leave as fast as they can, and beside texts at an even pace."""
    async with Publisher(broker.amqp_url) as publisher, HttpSink(lambda body: json.loads(body)["text"]) as gateway:

        async def latency(first: int) -> list[float]:
            return await latencies(
                lambda name: publisher.publish(_code_of(name)),
                [f"{CODE}{first + number}." for number in range(sizes.codes)],
                gateway.arrivals,
                per_second=10,
            )

        async def beside_texts(where: str, first: int) -> None:
            texts = subjects(sizes.texts, f"Newsletter {first},")
            await publish_all(lambda name: publisher.publish(text_of(name)), texts)
            took = await latency(first)
            if all(name in gateway.arrivals for name in texts):
                raise TimeoutError("all texts had been sent before the last code: more of them are needed")
            _compare(figures, "one-time code", where, took, alone)
            meanwhile = _texts_meanwhile(gateway.arrivals, first, took)
            figures.add(f"one-time code{where}, sent meanwhile, median", statistics.median(meanwhile), "texts")

        settings = {**call_settings(gateway.url), **QUICK_END}
        async with running_service("sms", broker.amqp_url, settings):
            alone = await latency(100_000)
            _compare(figures, "one-time code", "", alone, alone)
            await beside_texts(" beside a backlog of texts", 200_000)
        async with running_service("sms", broker.amqp_url, {**settings, "SMS_PER_SECOND": str(TEXTS_PER_SECOND)}):
            await beside_texts(f" beside {TEXTS_PER_SECOND} texts a second", 300_000)


def _code_of(text: str) -> UserOtpRequested:
    """The event that makes the SMS service send that text."""
    code, soon = text.removeprefix(CODE).rstrip("."), datetime.now(UTC) + timedelta(minutes=5)
    return UserOtpRequested(id=code, phone="+491511234567", code=code, expires_at=soon)


def _texts_meanwhile(arrivals: Mapping[str, float], first: int, took: Sequence[float]) -> list[int]:
    """How many texts arrived while each of the codes from `first` on was on its way."""
    texts = sorted(moment for name, moment in arrivals.items() if not name.startswith(CODE))
    came = [arrivals[f"{CODE}{first + number}."] for number in range(len(took))]
    return [bisect(texts, at) - bisect(texts, at - ms / 1000) for at, ms in zip(came, took, strict=True)]


async def webhooks(broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """A quick host: alone, behind a backlog for one that never answers, and beside calls of that one."""
    async with Publisher(broker.amqp_url) as publisher, HttpSink(json.loads) as quick, silent_host() as silent:

        async def latency(of_what: str) -> list[float]:
            return await latencies(
                lambda name: publisher.publish(webhook_of(name, quick.url)),
                subjects(sizes.quick_calls, of_what),
                quick.arrivals,
                per_second=20,
            )

        settings = {**call_settings(quick.url), **QUICK_END, "WEBHOOK_TIMEOUT_SECONDS": "60"}
        async with running_service("webhook", broker.amqp_url, settings):
            alone = await latency("alone")
            _compare(figures, "webhook", " to a quick host", alone, alone)
            backlog = subjects(sizes.silent_calls, "silent")
            await publish_all(lambda name: publisher.publish(webhook_of(name, silent.url)), backlog)
            beside = await latency("beside")
            if not silent.open:
                raise TimeoutError("the host that never answers was not called")
            _compare(figures, "webhook", " beside a host that never answers", beside, alone)


async def templates(broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """Mails of one's own template: alone, and while another one loops until its limit, again and again."""
    url, per_second = broker.amqp_url, 40
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        for name, text in (("good", "Hello."), ("endless", ENDLESS)):
            (Path(folder) / f"{name}.en.subject").write_text("{{ name }}")
            (Path(folder) / f"{name}.en.txt").write_text(text)
        async with (
            Publisher(url) as publisher,
            Sink() as sink,
            arrivals_in(url, wire.dead_queue("email.send")) as dead,
            running_service("email", url, {"EMAIL_SMTP_URL": sink.url, "EMAIL_TEMPLATES_DIR": folder, **QUICK_END}),
        ):

            async def send(name: str, template: str = "good") -> None:
                mail = SendEmail(to=["ada@example.com"], template=template, context={"name": name})
                await publisher.publish(mail)

            async def latency(of_what: str) -> list[float]:
                return await latencies(send, subjects(sizes.templated_mails, of_what), sink.arrivals, per_second)

            alone = await latency("Alone")
            loops = 2 + 2 * round(sizes.templated_mails / per_second / TEMPLATE_SECONDS)
            await publish_all(lambda name: send(name, "endless"), subjects(loops))
            beside = await latency("Beside")
            if len(dead) == loops:
                raise TimeoutError("no template looped any more before the last mail")
    _compare(figures, "mail", " of an own template", alone, alone)
    _compare(figures, "mail", " beside a template that loops", beside, alone)


@dataclass
class SilentHost:
    """Takes connections and reads, and never answers."""

    url: str = ""
    open: set[asyncio.StreamWriter] = field(default_factory=set)


@asynccontextmanager
async def silent_host() -> AsyncIterator[SilentHost]:
    """One on a free port."""
    host = SilentHost()

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host.open.add(writer)
        try:
            while await reader.read(65_536):
                pass
        except ConnectionError:
            pass
        finally:
            host.open.discard(writer)
            writer.close()

    server = await asyncio.start_server(read, "127.0.0.1", 0)
    host.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield host
    finally:
        server.close()
        for writer in list(host.open):
            writer.close()


def _compare(figures: Figures, what: str, where: str, took: list[float], alone: list[float]) -> None:
    figures.add_spread(f"{what}{where}, publish to arrival", took, "ms")
    if took is not alone:
        ratio = statistics.median(took) / statistics.median(alone)
        figures.add(f"{what}{where}, median", ratio, "of alone")


FAMILY = Family(
    "Neighbours: who suffers from whom",
    Sizes,
    {"one-time codes": codes, "webhooks": webhooks, "templates": templates},
)

if __name__ == "__main__":
    run_alone(FAMILY)

"""Prints all figures of one run. Compare them with each other only: another machine or another hour is another run."""

import argparse
import asyncio
import json
import platform
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from bench import bad_day, cleaning, commands, lateness, neighbours, schedules
from bench.calls import CALLS, httpx_per_second, texts_per_second, webhooks_per_second
from bench.mails import JOBS_PER_SECOND, MAILS, latency, mails_per_second
from bench.reports import ROWS
from bench.reports import show as show_reports
from bench.throughput import CONTENDERS, MESSAGES, rate
from postroom.devkit.broker_node import BrokerNode, find_broker
from postroom.operator.cli.up import apply_to

BASELINE = "bare FastStream"
FAMILIES = (lateness.FAMILY, schedules.FAMILY, bad_day.FAMILY, neighbours.FAMILY, cleaning.FAMILY, commands.FAMILY)


async def measure(broker: BrokerNode, messages: int, rounds: int) -> dict[str, float]:
    """Every figure by name. Throughput is the best of some rounds, taken in turns."""
    figures: dict[str, float] = {}
    for _ in range(rounds):
        for contender in CONTENDERS:
            best = figures.get(contender.name, 0.0)
            figures[contender.name] = max(best, await rate(contender, broker.amqp_url, messages))
    figures["mails per second"] = await mails_per_second(broker.amqp_url)
    found = await latency(broker.amqp_url)
    figures["median milliseconds"], figures["99th percentile milliseconds"] = found.median, found.p99
    figures["httpx calls per second"] = await httpx_per_second()
    figures["texts per second"] = await texts_per_second(broker.amqp_url)
    figures["webhooks per second"] = await webhooks_per_second(broker.amqp_url)
    return figures


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="no-op jobs per round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of which the best counts (%(default)s)")
    parser.add_argument("--report-rows", type=int, default=ROWS, help="of XLSX and CSV (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    for family in FAMILIES:
        family.add_options(parser)
    options = parser.parse_args()
    console = Console(stderr=options.json)
    with find_broker(say=console.print) as broker:
        apply_to(broker)
        console.print(
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, RabbitMQ {broker.version}, Python {platform.python_version()}"
        )
        figures = asyncio.run(measure(broker, options.messages, options.rounds))
        found = {each.title: asyncio.run(each.measure(broker, each.read_sizes(options))) for each in FAMILIES}
    if options.json:
        print(json.dumps({**figures, **{title: each.as_json() for title, each in found.items()}}, indent=2))
        return
    _show(console, figures, options.messages)
    for title, each in found.items():
        each.show(console, title)
    show_reports(console, options.report_rows)


def _show(console: Console, figures: dict[str, float], messages: int) -> None:
    table = Table(title=f"{messages:,} no-op jobs from a quorum queue, prefetch 200, uvloop", title_justify="left")
    for column in ("Consumer", "Jobs per second", f"relative to {BASELINE}"):
        table.add_column(column, justify="left" if column == "Consumer" else "right")
    for contender in CONTENDERS:
        value = figures[contender.name]
        table.add_row(contender.name, f"{value:,.0f}", f"{value / figures[BASELINE]:.2f}")
    console.print(table)
    console.print(
        f"E-mail end to end, one service process: {figures['mails per second']:,.0f} mails per second ({MAILS:,} mails)"
    )
    console.print(
        f"Publish to delivered at {JOBS_PER_SECOND} jobs per second: median {figures['median milliseconds']:.1f} ms, "
        f"99th percentile {figures['99th percentile milliseconds']:.1f} ms"
    )
    alone = figures["httpx calls per second"]
    console.print(f"HTTP calls, {CALLS:,} each: httpx alone {alone:,.0f} per second")
    for what in ("texts", "webhooks"):
        found = figures[f"{what} per second"]
        console.print(
            f"{what.capitalize()} end to end, one service process: {found:,.0f} per second ({found / alone:.2f})"
        )


main()

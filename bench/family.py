"""What families of figures have in common: sizes as options, figures by name with their unit, a table."""

import argparse
import asyncio
import dataclasses
import json
import math
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.broker import own_virtual_host
from postroom.devkit.broker_node import BrokerNode, find_broker
from postroom.wire.errors import PostroomError

NO_BROKER = BrokerNode("", "", "", "none is needed")


def size(default: int, of_what: str) -> Any:
    """A field of a family's sizes; `of_what` explains it as an option."""
    return field(default=default, metadata={"help": of_what})


class Figures:
    """What was found, in the order of finding it, and what could not be measured, with the reason."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], float] = {}
        self.missing: dict[str, str] = {}

    def add(self, name: str, value: float, unit: str) -> None:
        """One figure. The unit of a ratio is what it is relative to."""
        self.found[name, unit] = value

    def add_spread(self, name: str, values: Sequence[float], unit: str) -> None:
        """Median, 99th percentile where there are a hundred values, and the most."""
        in_order = sorted(values)
        self.add(f"{name}, median", statistics.median(in_order), unit)
        if len(in_order) >= 100:
            self.add(f"{name}, 99th percentile", in_order[math.ceil(0.99 * len(in_order)) - 1], unit)
        self.add(f"{name}, most", in_order[-1], unit)

    def as_json(self) -> dict[str, float | str]:
        """By name and unit; what is missing says so in the place of a number."""
        values: dict[str, float | str] = {f"{name} ({unit})": value for (name, unit), value in self.found.items()}
        return values | {name: f"missing: {reason}" for name, reason in self.missing.items()}

    def show(self, console: Console, title: str) -> None:
        """Print them as a table."""
        table = Table(title=title, title_justify="left")
        for column in ("Figure", "Value", "Unit"):
            table.add_column(column, justify="right" if column == "Value" else "left")
        for (name, unit), value in self.found.items():
            table.add_row(name, f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}", unit)
        console.print(table)
        for name, reason in self.missing.items():
            console.print(f"{name}: missing: {reason}", markup=False)


Measure = Callable[[BrokerNode, Any, Figures], Awaitable[None]]
"""Takes a broker and the sizes, and adds figures."""


@dataclass(frozen=True)
class Family:
    """Figures that are measured together.

    Attributes:
        title: of their table.
        sizes: a dataclass of numbers made by `size`: what may be chosen.
        measures: one after the other; the name stands for those figures when they are missing.
        needs_broker: it is then given a virtual host of its own, with the topology of all services.
    """

    title: str
    sizes: type[Any]
    measures: Mapping[str, Measure]
    needs_broker: bool = True

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """An option for each of the sizes."""
        group = parser.add_argument_group(self.title)
        for each in dataclasses.fields(self.sizes):
            option = f"--{each.name.replace('_', '-')}"
            group.add_argument(option, type=int, default=each.default, help=f"{each.metadata['help']} (%(default)s)")

    def read_sizes(self, options: argparse.Namespace) -> Any:
        """The sizes that were chosen."""
        return self.sizes(**{each.name: getattr(options, each.name) for each in dataclasses.fields(self.sizes)})

    async def measure(self, broker: BrokerNode, sizes: Any) -> Figures:
        """All of its figures. What cannot be measured is missing and does not keep the rest from it."""
        figures = Figures()
        with own_virtual_host(broker) if self.needs_broker else nullcontext(broker) as place:
            for name, measure in self.measures.items():
                try:
                    await measure(place, sizes, figures)
                except (PostroomError, TimeoutError, OSError) as error:
                    figures.missing[name] = str(error) or "not done in time"
        return figures


def run_alone(family: Family) -> None:
    """Measure one family and print it: the program of its module."""
    parser = argparse.ArgumentParser(description=f"{family.title}.")
    family.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    console = Console(stderr=options.json)
    with find_broker(say=console.print) if family.needs_broker else nullcontext(NO_BROKER) as broker:
        figures = asyncio.run(family.measure(broker, family.read_sizes(options)))
    if options.json:
        print(json.dumps(figures.as_json(), indent=2))
    else:
        figures.show(console, family.title)

"""How the state of everything looks on a terminal."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from postroom.devkit.health_urls import Health
from postroom.durations import rough_duration
from postroom.operator.cli.status_state import QueueState, State
from postroom.read_ports import OpenIncident


def screen(state: State) -> RenderableType:
    """Everything, the verdict first."""
    return Group(*_verdict(state), *_broker(state), *_services(state), *_alerting(state))


def _verdict(state: State) -> Iterator[RenderableType]:
    problems = state.problems()
    if not problems:
        what = "All that could be asked is well." if state.alerting_absence else "All is well."
        yield f"[bold green]{what}[/]"
    for problem in problems:
        yield f"[bold red]•[/] {escape(problem)}"


def _broker(state: State) -> Iterator[RenderableType]:
    if not state.version:
        return
    running = sum(node.is_running for node in state.nodes)
    alarms = sorted({alarm for node in state.nodes for alarm in node.alarms})
    yield (
        f"RabbitMQ {escape(state.version)}, {running} of {len(state.nodes)} nodes up, "
        f"{'[red]alarm: ' + ', '.join(alarms) + '[/]' if alarms else 'no alarm'}; "
        f"{state.delayed} delayed, {state.unrouted} unrouted"
    )


def _services(state: State) -> Iterator[RenderableType]:
    if state.uncounted:
        yield f"[yellow]{state.uncounted} queues are not counted yet by the broker: look again in some seconds[/]"
    if state.queues:
        yield _table(
            ("service", "queue", "waiting", "oldest", "in work", "readers", "dead"),
            (_queue_row(each) for each in state.queues),
        )
    if state.health:
        yield _table(("service", "ready", "provider", "health"), (_health_row(each) for each in state.health))


def _alerting(state: State) -> Iterator[RenderableType]:
    if state.alerting_absence:
        yield f"[yellow]Alerting was not asked:[/] {escape(state.alerting_absence)}"
    if state.conditions:
        yield _table(("open condition", "what to do"), (_condition_row(each) for each in state.conditions))
    if state.groups:
        yield _table(("group", "queue", "error", "dead", "newest"), (_group_row(each) for each in state.groups))


def _queue_row(each: QueueState) -> tuple[str, ...]:
    return (
        escape(each.service),
        escape(each.queue),
        str(each.waiting),
        rough_duration(timedelta(seconds=each.oldest_seconds)) if each.oldest_seconds else "",
        str(each.in_work),
        str(each.consumers) if each.consumers else "[red]0[/]",
        f"[red]{each.dead}[/]" if each.dead else "0",
    )


def _health_row(each: Health) -> tuple[str, ...]:
    problems = "; ".join(f"{name}: {text}" for name, text in each.problems.items())
    ready = "[green]yes[/]" if each.is_ready else f"[red]{escape(problems) or 'no'}[/]"
    return escape(each.service), ready, _providers(each) if each.is_ready else "", escape(each.url)


def _providers(each: Health) -> str:
    away = [
        f"{'' if service == each.service else f'{service} '}away: {outage['reason']}, {outage['held']} held"
        for service, outage in each.outages.items()
    ]
    return f"[yellow]{escape('; '.join(away))}[/]" if away else "there"


def _condition_row(each: OpenIncident) -> tuple[str, ...]:
    return escape(each.text), escape(each.advice)


def _group_row(each: OpenIncident) -> tuple[str, ...]:
    return escape(each.key), escape(each.name), escape(each.what), str(each.unsettled), escape(each.text)


def _table(columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table

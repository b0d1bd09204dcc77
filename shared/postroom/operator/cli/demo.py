"""`postroom demo`: runs `postroom.devkit.demo` and shows it on the terminal."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.rule import Rule

from postroom.devkit.broker_node import BrokerNode, find_broker
from postroom.operator.cli.broker_users import users_of_node
from postroom.operator.cli.up import apply_to, broker_environment
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import AsJson, ExitCode, complain, err, print_json, print_table
from postroom.terminal import out as screen
from postroom.wire.errors import ConfigurationError, PostroomError

if TYPE_CHECKING:
    from postroom.devkit.demo.steps import StepResult

FIRST_STEP = "A broker and the services"
PROBLEM_LINES = 15  # of the services' log, shown when a step fails


def demo_command(as_json: AsJson = False) -> None:
    """Show everything once on this machine: mails sent, retried, buried, alerted, replayed.

    Uses the broker of POSTROOM_AMQP_URL or a private RabbitMQ node that is removed afterwards, and starts the
    services and a mail server for itself. Exit code 1 names the step that failed.

    Example: `postroom demo`
    """
    try:
        from postroom.devkit.demo.environment import open_environment  # noqa: PLC0415 - needs the extra `demo`
        from postroom.devkit.demo.scenario import DemoScenario  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"the demo needs {error.name}: pip install 'postroom[all]'") from None
    out = err if as_json else screen
    began = time.perf_counter()

    def say(text: str) -> None:
        out.print(f"   [dim]{escape(text)}[/]", highlight=False)

    async def play(broker: BrokerNode, folder: Path) -> DemoScenario:
        step, log = f"1 ({FIRST_STEP})", folder.with_suffix(".log")
        try:
            async with open_environment(broker, broker_environment(broker), users, folder, log, say) as stage:
                ready = ", ".join(f"{child.service} ({child.health_url}/readyz)" for child in stage.services.children)
                out.print(f"   services ready: {ready}; a mail server at {stage.mail_server.url}", highlight=False)
                demo = DemoScenario(stage, lambda line: out.print(f"   {line}", highlight=False, soft_wrap=True))
                for number, (title, act) in enumerate(demo.steps, start=2):
                    step = f"{number} ({title})"
                    out.print(Rule(f"{number}. {title}", align="left", style="blue"))
                    await act()
        except PostroomError as error:
            complain(f"step {step} failed: {error}")
            _show_log(log)  # and leave it there
            raise typer.Exit(ExitCode.PROBLEMS) from None
        except BaseException:
            log.unlink(missing_ok=True)
            raise
        log.unlink(missing_ok=True)
        return demo

    out.print(Rule(f"1. {FIRST_STEP}", align="left", style="blue"))
    with tempfile.TemporaryDirectory(prefix="postroom-demo-") as name, find_broker(say=say) as broker:
        out.print(f"   RabbitMQ {broker.version} is up, from {escape(broker.source)}", highlight=False)
        apply_to(broker)
        data_dir = Path(name) if broker.is_ours else read_settings(RuntimeSettings).data_dir
        users = users_of_node(broker, data_dir, say)
        results = asyncio.run(play(broker, Path(name))).results
    _print_summary(results, time.perf_counter() - began, as_json=as_json)


def _print_summary(results: Sequence["StepResult"], total: float, *, as_json: bool) -> None:
    if as_json:
        print_json([{"did": s.did, "outcome": s.outcome, "milliseconds": round(s.milliseconds)} for s in results])
        return
    rows = [(escape(s.did), escape(s.outcome), f"{s.milliseconds:,.0f} ms") for s in results]
    print_table(("What was published", "What came of it", "Took"), rows, title="Summary")
    screen.print(
        f"All {len(rows)} steps as promised, in {total:.0f} s. Everything was stopped and removed but the PDF."
    )
    screen.print("Next: [b]postroom up[/] keeps it running; [b]postroom --help[/] shows the rest.")


def _show_log(log: Path) -> None:
    if log.exists():
        lines = log.read_text(errors="replace").splitlines()
        # All services write here; few say why, and the frames of a traceback say little to who only wants to see it.
        telling = [line for line in lines if " INFO " not in line[:40] and not line.startswith((" ", "Traceback"))]
        for line in (telling or lines)[-PROBLEM_LINES:]:
            err.print(f"  {escape(line)}", highlight=False)

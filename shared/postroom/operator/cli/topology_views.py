"""How `postroom topology` shows its findings to people."""

from collections import Counter

from rich.markup import escape

from postroom.broker.management import Management
from postroom.broker.topology.application import Applied
from postroom.broker.topology.check import Problem, ProblemSeverity
from postroom.broker.topology.proof import Proof, ProofOutcome
from postroom.terminal import complain, note, out, print_table

MOST_NAMED = 30  # changes listed one by one; --json has all
MOST_IN_A_ROW = 5  # names of things with the same problem


def show_applied(applied: Applied, management: Management) -> None:
    """What was changed, in a line each where they are few, then what an operator has to decide."""
    if len(applied.changes) <= MOST_NAMED:
        for change in applied.changes:
            out.print(f"  {change.action} {change.kind} [bold]{escape(change.name)}[/]", highlight=False)
    counts = Counter((change.action, change.kind) for change in applied.changes)
    summary = ", ".join(f"{action} {_counted(count, kind)}" for (action, kind), count in counts.items())
    where = f"RabbitMQ {applied.broker_version} at {management.url}, virtual host {management.virtual_host}"
    out.print(escape(f"{where}: {summary or 'nothing to change'}"), highlight=False, soft_wrap=True)
    for stale in applied.stale:
        note(f"no longer wanted: {stale}; --prune removes it")
    for conflict in applied.conflicts:
        complain(str(conflict))


def show_problems(problems: list[Problem]) -> None:
    """The problems, with those that say the same of things of one kind in one row."""
    alike: dict[tuple[ProblemSeverity, str, str], list[str]] = {}
    for problem in problems:
        kind, _, name = problem.subject.partition(" ")
        alike.setdefault((problem.severity, kind, problem.text), []).append(name)
    colors = {ProblemSeverity.ERROR: "red", ProblemSeverity.WARNING: "yellow"}
    rows = (
        (f"[{colors[severity]}]{severity}[/]", escape(f"{kind} {_some(names)}"), escape(text))
        for (severity, kind, text), names in alike.items()
    )
    if problems:
        print_table(("", "What", "Problem"), rows)


def _some(names: list[str]) -> str:
    more = len(names) - MOST_IN_A_ROW
    return ", ".join(names[:MOST_IN_A_ROW]) + (f" and {more} more" if more > 0 else "")


def _counted(count: int, kind: str) -> str:
    plural = "policies" if kind == "policy" else f"{kind}s"
    return f"{count} {kind if count == 1 else plural}"


def show_proofs(proofs: list[Proof]) -> None:
    """A table of the proofs."""
    if not proofs:
        return
    colors = {ProofOutcome.PROVEN: "green", ProofOutcome.NOT_PROVEN: "yellow", ProofOutcome.FAILED: "red"}
    rows = (
        (
            escape(proof.subject),
            f"[{colors[proof.outcome]}]{proof.outcome}[/]",
            "" if proof.milliseconds is None else f"{proof.milliseconds:.0f} ms",
            escape(proof.reason),
        )
        for proof in proofs
    )
    print_table(("Rejected → .dead", "Proof", "Took", ""), rows)

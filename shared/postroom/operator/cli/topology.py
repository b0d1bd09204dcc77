"""`postroom topology`: bring a broker to the topology, check it, export it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress

from postroom.broker.management import Management
from postroom.broker.topology import Topology, installation_topology
from postroom.broker.topology.application import apply_topology
from postroom.broker.topology.check import Problem, ProblemSeverity, blocks, find_problems
from postroom.broker.topology.comparison import read_broker_state
from postroom.broker.topology.definitions import DEFAULT_BROKER_VERSION, definitions, user_definitions
from postroom.broker.topology.passwords import Passwords
from postroom.broker.topology.proof import LADDER, Proof, ProofLimits, ProofOutcome, prove
from postroom.broker.topology.user_application import apply_users
from postroom.operator.cli.broker_users import installed_users
from postroom.operator.cli.topology_views import show_applied, show_problems, show_proofs
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import AsJson, ExitCode, err, out, print_json
from postroom.wire.errors import ConfigurationError

UsersFile = Annotated[
    Path | None,
    typer.Option("--users", metavar="FILE", help="JSON file of the passwords of the broker's users, by user name."),
]
UserPrefix = Annotated[
    str | None,
    typer.Option(
        "--user-prefix",
        help="What users' names begin with; by default `postroom-`, or the virtual host's name and a hyphen.",
    ),
]

app = typer.Typer(
    no_args_is_help=True,
    help="Exchanges, queues, bindings and policies: what the installed services need on the broker.\n\n"
    "They are declared by this command alone; services only use them. The broker is the one of "
    "POSTROOM_AMQP_URL, reached through its management API (POSTROOM_MANAGEMENT_URL).",
)


@app.command("apply")
def apply_command(
    prune: Annotated[
        bool, typer.Option("--prune", help="Also remove our own bindings and policies that are no longer wanted.")
    ] = False,
    users: UsersFile = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="With --users: give all users new passwords.")] = False,
    prefix: UserPrefix = None,
    as_json: AsJson = False,
) -> None:
    """Bring the broker to the topology: write what is missing or different, touch nothing else.

    Run it before the services of a new version start. A second run changes nothing. Queues are never deleted;
    one that exists with another type is named with the way out, and all else is still applied (exit code 1).

    With --users also a user for each service, and for publishing, operating and monitoring, each with the
    permissions that it needs and no others. Passwords are taken from that file; those that are not there are made
    up and written into it. No password is printed. This needs an administrator.

    Example: `postroom topology apply --users broker-users.json`
    """
    if (rotate or prefix is not None) and users is None:
        raise typer.BadParameter("say with --users where the passwords are", param_hint="--rotate, --user-prefix")
    topology = installation_topology()
    with Management.from_settings(read_settings(RuntimeSettings)) as management:
        with err.status("Applying…") as status:
            applied = apply_topology(
                topology,
                management,
                prune=prune,
                on_change=lambda change: status.update(f"{change.kind} {escape(change.name)}"),
            )
            if users is not None:
                wanted = installed_users(management.virtual_host, prefix)
                changes = apply_users(wanted, Passwords(users), management, renew=rotate)
                applied = replace(applied, changes=applied.changes + changes)
        if as_json:
            print_json(asdict(applied) | {"virtual_host": management.virtual_host})
        else:
            show_applied(applied, management)
    raise typer.Exit(ExitCode.PROBLEMS if applied.conflicts else ExitCode.OK)


@app.command("check")
def check_command(
    static: Annotated[
        bool, typer.Option("--static", help="Only compare declarations; publish no probe messages.")
    ] = False,
    within: Annotated[float, typer.Option(min=0.1, help="Seconds a probe may take.")] = 10,
    search_limit: Annotated[
        int, typer.Option(min=0, help="Dead letters to read past, per queue, in search of the probe.")
    ] = 5000,
    as_json: AsJson = False,
) -> None:
    """Compare the broker with the topology, then prove queue by queue that a rejected message is not lost.

    The proof puts a probe into each work queue, has it rejected, finds it in the queue's .dead queue and removes
    it; another one walks the delay ladder. A queue where messages wait and nobody reads is left alone and shown
    as not proven, which is no problem. Problems are errors in the first table and failed proofs.

    Example: `postroom topology check --json | jq '.problems[].text'`
    """
    topology = installation_topology()
    settings = read_settings(RuntimeSettings)
    with Management.from_settings(settings) as management:
        found = read_broker_state(management)
        problems = find_problems(topology, found)
    proofs: list[Proof] = []
    if not static:
        limits = ProofLimits(timedelta(seconds=within), search_limit)
        proofs = _prove(topology, problems, settings, limits)
    errors = any(problem.severity == ProblemSeverity.ERROR for problem in problems)
    is_ok = not errors and all(proof.outcome != ProofOutcome.FAILED for proof in proofs)
    if as_json:
        print_json(
            {
                "ok": is_ok,
                "broker_version": found.version,
                "virtual_host": settings.virtual_host(),
                "problems": _json(problems),
                "proofs": _json(proofs),
            }
        )
    else:
        show_problems(problems)
        show_proofs(proofs)
        verdict = "[green]the broker is as it should be[/]" if is_ok else "[red]problems were found[/]"
        out.print(f"RabbitMQ {found.version}, {len(topology.work_queues())} work queues: {verdict}")
    raise typer.Exit(ExitCode.OK if is_ok else ExitCode.PROBLEMS)


@app.command("export")
def export_command(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write; stdout without it.")] = None,
    broker_version: Annotated[
        str,
        typer.Option(help="The RabbitMQ that will read the file: 3.10 refuses what 4 needs."),
    ] = DEFAULT_BROKER_VERSION,
    virtual_host: Annotated[
        str | None, typer.Option(help="Where everything goes; that of POSTROOM_AMQP_URL without it.")
    ] = None,
    users: UsersFile = None,
    prefix: UserPrefix = None,
    as_json: AsJson = False,
) -> None:
    """Write the topology as a RabbitMQ definitions file: the same as `apply`, without asking a broker.

    For `rabbitmqctl import_definitions FILE`, the management UI, or `load_definitions` in rabbitmq.conf. There
    are no users in it, and with --users salted hashes of their passwords, as in `apply`.

    Example: `postroom topology export --output definitions.json --broker-version 3.10`
    """
    if not broker_version.partition(".")[0].isdigit():
        raise typer.BadParameter(f"{broker_version!r} is not a version; say 4 or 3.10", param_hint="--broker-version")
    topology = installation_topology()
    host = virtual_host or read_settings(RuntimeSettings).virtual_host()
    document = definitions(topology, host, broker_version)
    if users is not None:
        document |= user_definitions(installed_users(host, prefix), Passwords(users), host)
    if output is None:
        print_json(document)
        return
    try:
        output.write_text(json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise ConfigurationError(f"cannot write {output}: {error.strerror}; choose another --output") from None
    counts = {kind: len(parts) for kind, parts in document.items() if kind != "vhosts"}
    if as_json:
        print_json({"file": output, "virtual_host": host, **counts})
    else:
        out.print(f"{output}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))


def _prove(topology: Topology, problems: list[Problem], settings: RuntimeSettings, limits: ProofLimits) -> list[Proof]:
    """The proofs of all that is declared rightly; what is not is not tried, its probe would be lost."""
    queues = [queue.name for queue in topology.work_queues()]
    blocked = [queue for queue in queues if blocks(problems, queue, topology)]
    reason = "not tried: mend the errors above first"
    proofs = [Proof(queue, ProofOutcome.NOT_PROVEN, reason=reason) for queue in blocked]
    if blocks(problems, "", topology):
        return [Proof(LADDER, ProofOutcome.NOT_PROVEN, reason=reason), *proofs]
    sound = [queue for queue in queues if queue not in blocked]
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Proving", total=len(sound) + 1)
        url = settings.amqp_url.get_secret_value()
        tried = asyncio.run(prove(url, sound, limits, lambda _proof: progress.advance(task)))
    return [*tried, *proofs]


def _json(items: Sequence[Any]) -> list[dict[str, Any]]:
    return [asdict(item) for item in items]

"""A scratch PostgreSQL: one cluster per test run, one database per test."""

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from postroom.devkit.broker_node import ServerNotStarted, debian
from postroom.devkit.broker_node.guarded import GuardedServer, ServerPlan
from postroom.devkit.broker_node.readiness import last_lines
from postroom.devkit.ports import free_ports
from postroom.wire.errors import PostroomError
from tests.support.patience import PROCESS_STARTS, seconds

MAKE_AND_RUN = """initdb --pgdata="$1/data" --username=postgres --pwfile="$1/password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null && exec postgres -D "$1/data" -c port="$2" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off"""


class NoPostgres(PostroomError):
    """There is no PostgreSQL to work with on this machine."""


@contextmanager
def postgres_facts() -> Iterator[dict[str, Any]]:
    """POSTROOM_TEST_POSTGRES_URL, or a cluster of our own from this machine's programs, as data: `url`.

    Raises NoPostgres. In CI on Debian it is installed first.
    """
    if given := os.environ.get("POSTROOM_TEST_POSTGRES_URL"):
        yield {"url": given}
        return
    programs = _programs()
    if programs is None and os.environ.get("CI") == "true" and debian.can_install():
        debian.install(["postgresql"], print)
        programs = _programs()
    if programs is None:
        raise NoPostgres("PostgreSQL is not installed")
    with _cluster(programs) as url:
        yield {"url": url}


@contextmanager
def scratch_database(server_url: str) -> Iterator[str]:
    """A new database on that server, dropped at the end; yields its SQLAlchemy URL."""
    name = f"test_{uuid4().hex[:12]}"
    server = urlsplit(server_url)
    plain = urlunsplit(server._replace(scheme="postgresql"))
    _run(_execute(plain, f'CREATE DATABASE "{name}"'))
    try:
        yield urlunsplit(server._replace(scheme="postgresql+asyncpg", path=f"/{name}"))
    finally:
        _run(_execute(plain, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@contextmanager
def _cluster(programs: Path) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="postroom-postgres-"))
    password = secrets.token_urlsafe(12)
    (folder / "password").write_text(password)
    user = _server_user()
    if user is not None:  # PostgreSQL refuses to run as root
        for path in (folder, folder / "password"):
            os.chown(path, *user)
    (port,) = free_ports(1)
    log = folder / "log"
    plan = ServerPlan(
        command=["sh", "-c", MAKE_AND_RUN, "postgres", str(folder), str(port)],
        environment={"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        folder=str(folder),
        log=str(log),
        end_signal=signal.SIGQUIT,  # at once; the data is removed anyway
        user=user,
        remove=[str(folder)],
    )
    url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    with GuardedServer(plan) as server:
        server.start()
        _wait_until_ready(url, server, log)
        yield url


def _wait_until_ready(url: str, server: GuardedServer, log: Path) -> None:
    deadline = time.monotonic() + seconds(PROCESS_STARTS)
    while time.monotonic() < deadline and server.is_running():
        try:
            _run(_execute(url, "SELECT 1"))
        except (OSError, asyncpg.PostgresError):
            time.sleep(0.05)
        else:
            return
    raise ServerNotStarted(f"PostgreSQL did not come up. {last_lines(log)}")


def _programs() -> Path | None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if installed:
        return installed[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _server_user() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise NoPostgres("PostgreSQL refuses to run as root, and there is no user to run it as")


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    # A loop of its own: the test's may be there, but does not run while fixtures are made.
    with asyncio.Runner() as runner:
        runner.run(work)

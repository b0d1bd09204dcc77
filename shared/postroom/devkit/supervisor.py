"""Runs services as child processes on one machine: for `postroom up`, the demo and the tests.

Each child has the pipe to this process as its standard input, so that it stops in good order also when this
process is killed. A child that ends is started again; one whose settings are wrong is not.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from postroom.devkit.ports import free_ports
from postroom.patience import patience
from postroom.runtime.process import EXIT_CONFIGURATION, SUPERVISED
from postroom.tls import system_authorities
from postroom.wire.errors import PostroomError

READY_WITHIN = timedelta(minutes=2)  # some 4 s for all services on two cores that have time
LONGEST_PAUSE_SECONDS = 10.0
STOP_SECONDS = 30.0
"""More than a service's own deadline for finishing its work."""


class ServiceFailed(PostroomError):
    """A service did not come up, and starting it again would not help."""


@dataclass(slots=True)
class Child:
    """One service, as a process."""

    service: str
    health_port: int
    process: asyncio.subprocess.Process | None = None
    starts: int = 0

    @property
    def health_url(self) -> str:
        """Where it answers `/livez`, `/readyz` and `/metrics`."""
        return f"http://127.0.0.1:{self.health_port}"

    @property
    def command(self) -> list[str]:
        """What starts it."""
        return [sys.executable, "-m", "postroom.starting", self.service]


class Supervisor:
    """Keeps services running.

    Args:
        services: their names.
        environment: added to this process's own.
        of_service: by name of a service, what is added for that one only.
        log: where they log; None leaves it to this process's standard error.
        say: called with a line for each restart.
    """

    def __init__(
        self,
        services: Sequence[str],
        environment: Mapping[str, str],
        *,
        of_service: Mapping[str, Mapping[str, str]] | None = None,
        log: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.children = [Child(*each) for each in zip(services, free_ports(len(services)), strict=True)]
        self._environment = {**os.environ, **environment, SUPERVISED: "1"}
        self._of_service = of_service or {}
        self._log = log
        self._say = say
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self, within: timedelta = READY_WITHIN) -> None:
        """Start all services and return when they are ready. Raises ServiceFailed."""
        self._keepers = [asyncio.create_task(self._keep(child), name=child.service) for child in self.children]
        ready = asyncio.create_task(self._until_all_ready())
        limit = patience(within).total_seconds()
        try:
            async with asyncio.timeout(limit):
                await asyncio.wait((ready, *self._keepers), return_when=asyncio.FIRST_COMPLETED)
                self.check()
                await ready
        except TimeoutError:
            late = [child.service for child in self.children if not await _is_ready(child)]
            where = f"; see {self._log}" if self._log else ""
            raise ServiceFailed(f"not ready within {limit:g} s: {', '.join(late)}{where}") from None
        finally:
            ready.cancel()

    def check(self) -> None:
        """Raise ServiceFailed if a service has ended for good."""
        for keeper in self._keepers:
            if keeper.done() and not keeper.cancelled() and (error := keeper.exception()):
                raise error

    async def wait(self) -> None:
        """Wait until a service has ended for good, and raise ServiceFailed."""
        await asyncio.wait(self._keepers, return_when=asyncio.FIRST_COMPLETED)
        self.check()

    async def stop(self) -> None:
        """Stop all services in good order; kill what does not end in time."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(_stop(child) for child in self.children))

    async def _keep(self, child: Child) -> None:
        pause = 0.5
        while True:
            await self._spawn(child)
            assert child.process is not None  # noqa: S101 - just started
            code = await child.process.wait()
            if code == EXIT_CONFIGURATION:
                where = f" (see {self._log})" if self._log else ""
                raise ServiceFailed(f"{child.service} cannot start with these settings{where}")
            self._say(f"{child.service} ended with code {code}; starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _spawn(self, child: Child) -> None:
        child.starts += 1
        own = {**self._of_service.get(child.service, {}), "POSTROOM_HEALTH_PORT": str(child.health_port)}
        log = self._log.open("ab") if self._log else None
        try:
            child.process = await asyncio.create_subprocess_exec(
                *child.command,
                env={**self._environment, **own},
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for this process, which then stops the children in order
            )
        finally:
            if log is not None:
                log.close()

    async def _until_all_ready(self) -> None:
        for child in self.children:
            while not await _is_ready(child):
                await asyncio.sleep(0.1)


async def _is_ready(child: Child) -> bool:
    try:
        async with httpx.AsyncClient(timeout=2, verify=system_authorities()) as client:
            return (await client.get(f"{child.health_url}/readyz")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def _stop(child: Child) -> None:
    if child.process is None or child.process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.process.terminate()
    try:
        await asyncio.wait_for(child.process.wait(), timeout=STOP_SECONDS)
    except TimeoutError:
        child.process.kill()
        await child.process.wait()

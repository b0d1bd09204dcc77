"""What every step of the demo does with its environment: publish, wait for something, print what came of it."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rich.markup import escape

from postroom import wire
from postroom.devkit.demo.environment import DemoEnvironment
from postroom.devkit.mailbox import ReceivedMail
from postroom.wire.errors import PostroomError

Result = TypeVar("Result")


class StepFailed(PostroomError):
    """Something the demo waited for did not happen."""


@dataclass(slots=True)
class StepResult:
    """One line of the summary: what was done, what came of it, and how long that took."""

    did: str
    outcome: str
    milliseconds: float


@dataclass(slots=True)
class DemoSteps:
    """What every step can do in one environment.

    Args:
        environment: broker, services and servers.
        print: prints a line.
    """

    environment: DemoEnvironment
    print: Callable[[str], None]
    results: list[StepResult] = field(default_factory=list)

    async def send(self, to: str, subject: str) -> str:
        """Publish a mail to be sent; its id."""
        body = {"to": to, "subject": subject, "body": "Thank you."}
        message_id = await self.environment.publish(wire.JOBS, "email.send", body)
        self.print_published(wire.JOBS, "email.send", message_id, body)
        return message_id

    async def mail_to(self, mailbox: str) -> ReceivedMail:
        """The first mail that this mailbox gets."""
        arrived = self.environment.mail_server.received(1, to=mailbox, within_seconds=self.environment.patience_seconds)
        return (await self.wait(arrived, f"a mail to {mailbox}"))[0]

    def print_published(self, exchange: str, kind: str, message_id: str, body: dict[str, Any]) -> None:
        """Say what was published."""
        where = f"exchange [b]{exchange}[/], key [b]{kind}[/], id [b]{message_id}[/]"
        self.print(f"published to {where}: {escape(json.dumps(body))}")

    async def show_death(self, message_id: str, error_type: str, began: float, did: str) -> None:
        """Wait for the dead letter of a message and for the alert, and show both."""
        letter = await self.wait(
            self.environment.dead_letter("email.send", message_id, self.environment.patience_seconds),
            f"{message_id} in email.send.dead",
        )
        took = (time.time() - began) * 1000
        found = f"{letter.headers.get(wire.X_ERROR_TYPE)}: {letter.headers.get(wire.X_ERROR)}"
        if letter.headers.get(wire.X_ERROR_TYPE) != error_type:
            raise StepFailed(f"the dead letter should say {error_type}, it says {found}")
        self.print(f"[red]dead letter in email.send.dead[/]: {escape(found)}")
        alert = await self.wait(
            self.environment.alerts.wait_for(error_type, self.environment.patience_seconds), f"an alert: {error_type}"
        )
        self.print(f"[yellow]alert:[/] {escape(str(alert['title']))}")
        for line in str(alert["message"]).splitlines():
            self.print(f"  [dim]│[/] {escape(line)}")
        self.results.append(StepResult(did, f"dead letter {error_type} and alert", took))

    async def until_retried(self, number: int) -> None:
        """Wait until so many tries of mails have failed and wait for the next."""
        while await self.environment.retries("email.send") < number:
            await asyncio.sleep(0.02)

    async def wait(self, what: Awaitable[Result], name: str) -> Result:
        """What is awaited; StepFailed naming it if it takes too long."""
        try:
            async with asyncio.timeout(self.environment.patience_seconds):
                return await what
        except TimeoutError as error:
            reason = f" ({error})" if str(error) else ""
            raise StepFailed(
                f"waited {self.environment.patience_seconds:g} s for {name}{reason}; see {self.environment.log}"
            ) from None

    async def run(self, arguments: list[str]) -> AsyncIterator[str]:
        """The lines that `postroom ARGUMENTS` prints; StepFailed when it fails."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "postroom.operator.cli", *arguments),
            env={**self.environment.variables, "NO_COLOR": "1", "COLUMNS": "100"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        for line in output.decode().splitlines():
            yield line
        if process.returncode:
            raise StepFailed(f"`postroom {' '.join(arguments)}` ended with code {process.returncode}")

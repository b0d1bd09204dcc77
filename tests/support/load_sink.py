"""A mail server in a process of its own that counts: `python -m tests.support.load_sink`.

It prints its URL. On standard input it is told `away`, `back` or `refuse <mailbox>`, and answers each line with what it
has counted by then. It ends with its parent.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from postroom.devkit.mailbox import MailServer, ReceivedMail

PROJECT = Path(__file__).parents[2]
_MESSAGE_ID = re.compile(rb"^Message-ID: <([^@>]+)@", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Counted:
    """What came so far: mails, different Message-IDs among them, and over how many connections."""

    mails: int
    different: int
    connections: int


class Sink:
    """The process, seen from the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._read_line()

    def counted(self) -> Counted:
        """What came so far."""
        return self._tell("?")

    def go_away(self) -> Counted:
        """Close all connections and refuse new ones. What had come by then."""
        return self._tell("away")

    def come_back(self) -> Counted:
        """Listen again."""
        return self._tell("back")

    def refuse(self, mailbox: str) -> None:
        """Answer 550 for this mailbox."""
        self._tell(f"refuse {mailbox}")

    def _tell(self, line: str) -> Counted:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return Counted(**json.loads(self._read_line()))

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def running_sink() -> Iterator[Sink]:
    """A sink, ended at the end."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield Sink(process)
        finally:
            process.kill()


async def obey(server: MailServer, words: list[str]) -> None:
    """Do what standard input says."""
    match words:
        case ["away"]:
            await server.go_away()
        case ["back"]:
            await server.come_back()
        case ["refuse", mailbox]:
            server.answer(mailbox, "550 5.1.1 no such user here")


async def serve() -> None:
    """Take mails until standard input ends."""
    seen: Counter[bytes] = Counter()

    def count(mail: ReceivedMail) -> None:
        match = _MESSAGE_ID.search(mail.content)
        seen[match[1] if match else b"none"] += 1

    async with MailServer(keep=10, on_mail=count) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        while line := await asyncio.to_thread(sys.stdin.readline):
            await obey(server, line.split())
            counted = {"mails": server.count, "different": len(seen), "connections": server.connections}
            sys.stdout.write(json.dumps(counted) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve())

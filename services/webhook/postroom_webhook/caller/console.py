"""A caller for trying things: prints calls and says that they were taken."""

import sys
from typing import TextIO

from postroom_webhook.caller import Answer, Call


class ConsoleCaller:
    """Prints each call.

    Args:
        output: where to; standard output when absent.
    """

    def __init__(self, output: TextIO | None = None) -> None:
        self._output = output

    async def call(self, call: Call) -> Answer:
        """See Caller."""
        lines = [f"── {call.method} {call.target.place}{call.target.url.path}"]
        lines += [f"{name}: {value}" for name, value in call.headers.items() if name.startswith("webhook-")]
        lines += ["", (call.body or b"").decode(errors="replace")]
        print("\n".join(lines), file=self._output or sys.stdout, flush=True)
        return Answer(200, body=b"printed")

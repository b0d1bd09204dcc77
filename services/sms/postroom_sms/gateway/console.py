"""A gateway for trying things: prints texts and says that they were accepted."""

import sys
import uuid
from typing import TextIO

from postroom_sms.gateway import Accepted, Text


class ConsoleGateway:
    """Prints each text, whole.

    Args:
        output: where to; standard output when absent.
    """

    name = "console"
    knows_references = False

    def __init__(self, output: TextIO | None = None) -> None:
        self._output = output

    async def deliver(self, text: Text) -> Accepted:
        """See Gateway."""
        sender = f" from {text.sender}" if text.sender else ""
        print(f"── text to {text.to}{sender}\n{text.content}", file=self._output or sys.stdout, flush=True)
        return Accepted(self.name, (uuid.uuid4().hex,))

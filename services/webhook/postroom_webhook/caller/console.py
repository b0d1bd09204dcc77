"""A caller for trying things: prints calls and says that they were taken."""

import sys
from typing import TextIO

from postroom_webhook.caller import HttpRequest, HttpResponse


class ConsoleCaller:
    """Prints each call.

    Args:
        output: where to; standard output when absent.
    """

    def __init__(self, output: TextIO | None = None) -> None:
        self._output = output

    async def call(self, request: HttpRequest) -> HttpResponse:
        """See Caller."""
        lines = [f"── {request.method} {request.target.place}{request.target.url.path}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items() if name.startswith("webhook-")]
        lines += ["", (request.body or b"").decode(errors="replace")]
        print("\n".join(lines), file=self._output or sys.stdout, flush=True)
        return HttpResponse(200, body=b"printed")

"""The process in which templates of others are rendered: no secrets, little memory, little time.

Reads one JSON object a line from standard input, `subject`, `text`, `html`, `context`, and answers each with a
line: the content, or `{"error": reason}`. Ends with its parent, whose end of the pipe then closes.
"""

import contextlib
import signal
import sys
from typing import Any

import orjson

from postroom_email.rendering.sandbox import RenderingFailed, render

SECONDS = 0.5  # of processor time for one mail
MEMORY_BYTES = 512 * 1024 * 1024


def main() -> None:
    """Answer until standard input ends."""
    _limit_memory()
    sys.stdout.buffer.write(b"ready\n")
    sys.stdout.buffer.flush()
    for line in sys.stdin.buffer:
        request = orjson.loads(line)
        _set_alarm(SECONDS)
        answer = _answer(request)
        _set_alarm(0)
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        content = render(request["subject"], request["text"], request["html"], request["context"])
    except RenderingFailed as error:
        return {"error": str(error)}
    return {"subject": content.subject, "text": content.text, "html": content.html}


def _set_alarm(seconds: float) -> None:
    # The kernel ends the process when the time is used up, whatever it is doing: a loop in C code that holds
    # the interpreter's lock cannot be stopped from within. Processor time, so that a busy machine fails nobody.
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()

"""`python -m postroom_report.child`: makes one report and ends. It is the only place where templates and queries run.

Through standard input come the limits and the request, a line of JSON, then a line `next` for each document that was
taken. Through standard output go lines of JSON: `progress`, `document`, and at last `end` or `error`. What libraries
print goes to standard error. When the parent ends, so does this.
"""

import ctypes
import errno
import logging
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

import orjson

from postroom.wire.errors import JobError, TemporaryFailure
from postroom_report.errors import LimitExceeded
from postroom_report.layout import RenderProgress
from postroom_report.parameters import make_layout
from postroom_report.production import produce
from postroom_report.render_request import RenderRequest
from postroom_report.sources import open_rows

_PR_SET_PDEATHSIG = 1
MIB = 1024 * 1024


def main() -> None:
    """Make the report that is requested through standard input."""
    _die_with_parent()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    start = orjson.loads(sys.stdin.buffer.readline())
    _limit(start["memory_mib"], start["seconds"])
    turns: queue.SimpleQueue[None] = queue.SimpleQueue()
    threading.Thread(target=_read_turns, args=(sys.stdin.buffer, turns), daemon=True).start()

    def send(**message: Any) -> None:
        output.write(orjson.dumps(message) + b"\n")

    try:
        _make(RenderRequest.model_validate(start["request"]), send, turns.get)
    except MemoryError:
        send(error=_described(memory_exceeded(start["memory_mib"])))
    except JobError as error:
        send(error=_described(error))
    except Exception as error:
        logging.getLogger(__name__).exception("Making the report failed")
        send(error=_described(_unforeseen(error)))
    else:
        send(end=True)
    sys.stderr.flush()
    os._exit(0)  # a library's thread or a query that is still running must not hold it up


def memory_exceeded(mib: int) -> LimitExceeded:
    """The error of a report that needed too much memory."""
    return LimitExceeded(f"making it needed more than {mib} MiB of memory; ask for less, or raise REPORT_MEMORY_MIB")


def _make(request: RenderRequest, send: Callable[..., None], wait_for_turn: Callable[[], None]) -> None:
    layout = make_layout(request)

    def on_progress(progress: RenderProgress) -> None:
        send(progress=[progress.rows, progress.pages, progress.documents])

    with open_rows(layout, request) as rows:
        for document in produce(layout, rows, request.folder, on_progress, request.done_parts):
            send(
                document={
                    "part": document.part,
                    "path": str(document.path),
                    "rows": document.rows,
                    "pages": document.pages,
                }
            )
            wait_for_turn()


def _read_turns(lines: BinaryIO, turns: "queue.SimpleQueue[None]") -> None:
    for _line in lines:
        turns.put(None)
    os._exit(1)  # the parent is gone


def _die_with_parent() -> None:
    # A library that computes without letting other threads run would not see the end of the input.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit(memory_mib: int, seconds: float) -> None:
    processors = os.cpu_count() or 1
    with suppress(ValueError, OSError):  # a stricter limit is there already
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mib * MIB, memory_mib * MIB))
    with suppress(ValueError, OSError):
        spent = int(seconds * processors) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (spent, spent))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _unforeseen(error: Exception) -> TemporaryFailure:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return TemporaryFailure("there is no room left in the folder for temporary files; make some, or set TMPDIR")
    return TemporaryFailure(f"{type(error).__name__}: {str(error)[:300]}")


def _described(error: JobError) -> dict[str, str]:
    return {"type": type(error).__name__, "text": str(error)}


if __name__ == "__main__":
    main()

"""Publishing for programs without an event loop: Django, Flask, scripts.

One background thread per process runs the asynchronous publisher; a forked child (gunicorn, uWSGI) makes its own.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from postroom.broker.publishing.outgoing import NO_OPTIONS, Outgoing, PublishOptions
from postroom.broker.publishing.publisher import Publisher
from postroom.wire.messages import Message

Result = TypeVar("Result")


class BlockingPublisher:
    """`Publisher` with calls that wait. Safe to share between threads, and to create before a fork.

    Arguments, return values and errors are those of `Publisher`.
    """

    def __init__(self, url: str, *, app_id: str = "postroom", timeout: timedelta | None = None) -> None:
        self._url = url
        self._app_id = app_id
        self._timeout = timeout
        self._lock = threading.Lock()
        self._owner: int | None = None  # the process whose thread runs the loop

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def publish(self, message: Message, *, message_id: str | None = None, options: PublishOptions = NO_OPTIONS) -> str:
        """Publish a job or an event, and return its message id once the broker has it on disk."""
        return self._wait(self._started().publish(message, message_id=message_id, options=options))

    def send(self, outgoing: Outgoing) -> None:
        """Publish a complete message."""
        self._wait(self._started().send(outgoing))

    def close(self) -> None:
        """Close the connection and end the thread. A later publish starts both again."""
        with self._lock:
            if self._owner != os.getpid():
                return
            self._wait(self._publisher.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._owner = None

    def _started(self) -> Publisher:
        with self._lock:
            if self._owner != os.getpid():
                self._loop = asyncio.new_event_loop()
                self._publisher = Publisher(self._url, app_id=self._app_id, timeout=self._timeout)
                self._thread = threading.Thread(target=self._loop.run_forever, name="postroom-publisher", daemon=True)
                self._thread.start()
                self._owner = os.getpid()
            return self._publisher

    def _wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

"""Postroom in one process without a broker: for small installations. See docs/schedules.md, "Without a broker"."""

from postroom.standalone.broker import DeadMessage, LocalBroker
from postroom.standalone.runner import LocalRunner, open_local_runner, run_locally

__all__ = ["DeadMessage", "LocalBroker", "LocalRunner", "open_local_runner", "run_locally"]

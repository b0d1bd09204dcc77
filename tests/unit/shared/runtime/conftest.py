"""Tests of parts that pause and give up: none of them waits, and none can lose a race."""

from tests.support.virtual_time import loop_factories as pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]

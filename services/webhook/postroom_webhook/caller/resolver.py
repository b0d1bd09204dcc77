"""Finds the addresses of a host. A port, so that tests can change the answer between two look-ups."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Protocol

from postroom_webhook.networks import Address

LOOKUPS_AT_ONCE = 32


class Resolver(Protocol):
    """Looks names up."""

    async def resolve(self, host: str) -> Sequence[Address]:
        """The addresses of `host`, best first. Raises OSError when there are none."""


class SystemResolver:
    """Asks the operating system.

    Its calls block a thread for as long as a name server does not answer. Calls for one name share one, so that a
    name whose server is dead takes one thread and not all of them.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="resolver")
        self._under_way: dict[str, asyncio.Future[Sequence[Address]]] = {}

    async def resolve(self, host: str) -> Sequence[Address]:
        """See Resolver."""
        lookup = self._under_way.get(host)
        if lookup is None:
            lookup = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host)
            self._under_way[host] = lookup
            lookup.add_done_callback(lambda done: self._ended(host, done))
        return await asyncio.shield(lookup)

    def close(self) -> None:
        """Begin no more lookups."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ended(self, host: str, lookup: "asyncio.Future[Sequence[Address]]") -> None:
        del self._under_way[host]
        if not lookup.cancelled():
            lookup.exception()  # whoever asked may have gone; that is not worth a warning


def _look_up(host: str) -> Sequence[Address]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(entry[4][0])) for entry in found))

"""Connects to checked addresses only.

A host is looked up once per connection, its addresses are checked, and the connection is made to one of those that
passed: a name server that gives another answer later is not asked again. TLS still names and checks the host, since
only the way to it is replaced. Connections that are kept open lead to the address that was checked.
"""

import ssl
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

import httpcore
import httpx
from httpcore import SOCKET_OPTION

from postroom_webhook.caller.resolver import Resolver
from postroom_webhook.errors import AddressNotAllowed
from postroom_webhook.networks import Address, AllowedAddresses

MOST_ADDRESSES = 4  # of one host are tried
IDLE_CONNECTIONS = 200
IDLE_SECONDS = 5.0


class GuardedBackend(httpcore.AnyIOBackend):
    """How httpcore gets its connections.

    Args:
        resolver: looks names up.
        allowed: checks addresses.
    """

    def __init__(self, resolver: Resolver, allowed: AllowedAddresses) -> None:
        self._resolver = resolver
        self._allowed = allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to `host`. Raises AddressNotAllowed, and httpcore's errors."""
        addresses = self._checked(host, await self._addresses(host))[:MOST_ADDRESSES]
        share = timeout and timeout / len(addresses)  # one that swallows packets must leave time for the next
        problem: Exception | None = None
        for address in addresses:
            try:
                return await super().connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem or httpcore.ConnectError(f"{host} has no address")

    async def _addresses(self, host: str) -> Sequence[Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        try:
            return await self._resolver.resolve(host)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"no address is known: {error}") from None

    def _checked(self, host: str, addresses: Sequence[Address]) -> Sequence[Address]:
        refusals = {address: self._allowed.refusal(address) for address in addresses}
        allowed = [address for address, refusal in refusals.items() if refusal is None]
        if refusals and not allowed:
            reasons = ", ".join(f"{address} ({refusal})" for address, refusal in list(refusals.items())[:3])
            raise AddressNotAllowed(
                f"{host} leads to {reasons}; only public addresses and WEBHOOK_ALLOWED_NETWORKS are called"
            )
        return allowed


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over a GuardedBackend. No proxy, from wherever, comes between.

    Args:
        backend: makes the connections.
        tls: with which certificates are verified.
    """

    def __init__(self, backend: GuardedBackend, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        # Unlimited here: the worker's prefetch and the limit per host bound them, and a pool that is full would
        # let one receiver wait for another.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=None,
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=backend,
        )

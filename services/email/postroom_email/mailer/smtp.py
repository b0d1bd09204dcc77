"""The real mailer: SMTP, over the first configured server that takes mail."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from postroom.runtime.failover import ProviderOrder, RestPeriod
from postroom_email.errors import MailServersUnavailable
from postroom_email.mailer import MailEnvelope, SmtpReply
from postroom_email.mailer.pool import AccessToken, ConnectionPool
from postroom_email.mailer.transaction import ServerAway
from postroom_email.smtp_servers import SmtpServer

REST_SECONDS = 30.0
"""How long a server that was away is passed over. One mail then tries it again; the others go on elsewhere."""


class SmtpMailer:
    """Sends over several servers, failing over in order; the first one is used again once it is back.

    Args:
        pools: one per server, in order.
        rest_seconds: see REST_SECONDS.
    """

    def __init__(self, pools: Sequence[ConnectionPool], *, rest_seconds: float = REST_SECONDS) -> None:
        rest = timedelta(seconds=rest_seconds)
        self._servers = ProviderOrder(
            pools, RestPeriod(rest, rest), called=lambda pool: f"Mail server {pool.server.label}", takes="mail"
        )

    async def send(self, envelope: MailEnvelope) -> Sequence[SmtpReply]:
        """See Mailer."""
        problems = []
        for place, pool in self._servers.candidates():
            try:
                answers = await pool.send(envelope)
            except ServerAway as error:
                self._servers.note_away(place, str(error))
                problems.append(f"{pool.server.label}: {error}")
            else:
                self._servers.note_back(place)
                return answers
        raise MailServersUnavailable("no mail server takes mail; " + "; ".join(problems))


@asynccontextmanager
async def smtp_mailer(
    servers: Sequence[SmtpServer],
    *,
    connections: int,
    timeout_seconds: float,
    tls: ssl.SSLContext,
    access_token: AccessToken | None = None,
    rest_seconds: float = REST_SECONDS,
) -> AsyncIterator[SmtpMailer]:
    """A mailer over these servers, with at most `connections` open to each."""
    pools = [
        ConnectionPool(server, size=connections, timeout_seconds=timeout_seconds, tls=tls, access_token=access_token)
        for server in servers
    ]
    try:
        yield SmtpMailer(pools, rest_seconds=rest_seconds)
    finally:
        for pool in pools:
            await pool.close()

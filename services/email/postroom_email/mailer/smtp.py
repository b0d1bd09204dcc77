"""The real mailer: SMTP, over the first configured server that takes mail."""

import logging
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from postroom.privacy.masking import mask_text
from postroom_email.errors import MailServersUnavailable
from postroom_email.mailer import MailEnvelope, SmtpReply
from postroom_email.mailer.pool import AccessToken, ConnectionPool
from postroom_email.mailer.transaction import ServerAway
from postroom_email.smtp_servers import SmtpServer

log = logging.getLogger(__name__)

REST_SECONDS = 30.0
"""How long a server that was away is passed over. One mail then tries it again; the others go on elsewhere."""


class SmtpMailer:
    """Sends over several servers, failing over in order; the first one is used again once it is back.

    Args:
        pools: one per server, in order.
        rest_seconds: see REST_SECONDS.
    """

    def __init__(self, pools: Sequence[ConnectionPool], *, rest_seconds: float = REST_SECONDS) -> None:
        self._pools = pools
        self._rest_seconds = rest_seconds
        self._away_until: dict[ConnectionPool, float] = {}

    async def send(self, envelope: MailEnvelope) -> Sequence[SmtpReply]:
        """See Mailer."""
        problems = []
        for pool in self._candidates():
            try:
                answers = await pool.send(envelope)
            except ServerAway as error:
                self._note_away(pool, str(error))
                problems.append(f"{pool.server.label}: {error}")
            else:
                self._note_back(pool)
                return answers
        raise MailServersUnavailable("no mail server takes mail; " + "; ".join(problems))

    def _candidates(self) -> Iterator[ConnectionPool]:
        """First those that are not known to be away; when none of them takes it, all the others too."""
        passed_over = []
        for pool in self._pools:
            now = time.monotonic()
            away_until = self._away_until.get(pool, 0.0)
            if away_until > now:
                passed_over.append(pool)
                continue
            if away_until:
                # This mail finds out; the others do not wait for it.
                self._away_until[pool] = now + self._rest_seconds
            yield pool
        yield from passed_over

    def _note_away(self, pool: ConnectionPool, reason: str) -> None:
        if pool not in self._away_until:
            log.warning("Mail server %s takes no mail: %s", pool.server.label, mask_text(reason))
        self._away_until[pool] = time.monotonic() + self._rest_seconds

    def _note_back(self, pool: ConnectionPool) -> None:
        if self._away_until.pop(pool, None) is not None:
            log.info("Mail server %s takes mail again", pool.server.label)


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

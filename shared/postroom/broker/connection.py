"""How a process connects to the broker: one connection that consumes, one that publishes.

During a memory or disk alarm the broker stops reading every connection that publishes. Acknowledgements that
shared it would stop too.
"""

import random
from urllib.parse import quote, urlsplit, urlunsplit

from yarl import URL

from postroom.broker.amqp_values import tolerate_any_value

HEARTBEAT_SECONDS = 10
"""A dead peer is noticed after some 30 s; the broker's default of 60 s would take three minutes."""


def connection_url(url: str, name: str) -> str:
    """`url` with what every connection gets: a name for the management UI, a heartbeat, jittered reconnecting.

    Calling it also makes the client library of this process read every property and header (amqp_values).
    """
    tolerate_any_value()
    # A pause of its own per process, so that a restarted broker is not met by all of them at once.
    pause = random.uniform(0.5, 2.0)  # noqa: S311 - not a secret
    ours = {"name": name, "heartbeat": str(HEARTBEAT_SECONDS), "reconnect_interval": f"{pause:.2f}"}
    target = URL(url)
    return str(target.with_query({**ours, **dict(target.query)}))


def as_user(url: str, user: str, password: str) -> str:
    """`url` with another user and password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"))


def without_password(url: str) -> str:
    """`url` as it may be shown: without user, password and options."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))

"""An HTTP client for tests: patient, without a proxy from the environment, and cheap to make."""

from typing import Any

import httpx

from postroom.tls import system_authorities
from tests.support.patience import REACTION, seconds


def http_client(**options: Any) -> httpx.AsyncClient:
    """`httpx.AsyncClient` with these options; certificate authorities are not read again for each."""
    return httpx.AsyncClient(timeout=seconds(REACTION), verify=system_authorities(), trust_env=False, **options)

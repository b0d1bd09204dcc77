"""`maintenance.refresh-tokens`: new access tokens before the old ones run out."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import BaseModel, Field, SecretStr, ValidationError

from postroom.storage.tokens import Credential, NoToken, TokenVault
from postroom.tls import system_authorities
from postroom.wire.errors import PermanentFailure, ProviderUnavailable, TemporaryFailure
from postroom_maintenance.errors import TokenRefused

log = logging.getLogger(__name__)

AHEAD = timedelta(minutes=30)
"""A token that is good for longer is left alone: twice the time between two runs of the shipped schedule."""

TIMEOUT_SECONDS = 20


class _TokenResponse(BaseModel):
    """RFC 6749, section 5.1."""

    access_token: SecretStr
    expires_in: float = Field(default=3600, gt=0)
    refresh_token: SecretStr | None = None  # some providers change it each time


class TokenRefresher:
    """Refreshes the credentials of a vault.

    Args:
        vault: where they are stored, encrypted.
    """

    def __init__(self, vault: TokenVault) -> None:
        self._vault = vault

    async def refresh(self, name: str | None = None) -> list[str]:
        """Refresh one credential, or each that runs out within AHEAD; returns the names of those.

        One that fails keeps no other from being refreshed. Raises TokenRefused, PermanentFailure for a name that is
        not there, TemporaryFailure; ProviderUnavailable when none of them was reached.
        """
        try:
            names = self._vault.names() if name is None else [name]
            found = {each: self._vault.read(each) for each in names}
        except NoToken as error:
            raise PermanentFailure(str(error)) from None
        wanted = {each: credential for each, credential in found.items() if name or not credential.is_good_for(AHEAD)}
        results = await asyncio.gather(*(self._refresh(*each) for each in wanted.items()), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        if errors:
            raise errors[0]
        return list(wanted)

    async def _refresh(self, name: str, credential: Credential) -> None:
        answer = await self._ask(name, credential)
        changed: dict[str, Any] = {
            "access_token": answer.access_token,
            "expires_at": datetime.now(UTC) + timedelta(seconds=answer.expires_in),
            "refresh_token": answer.refresh_token or credential.refresh_token,
        }
        await asyncio.to_thread(self._vault.write, name, credential.model_copy(update=changed))
        log.info("%s: a new access token, good for %.0f s", name, answer.expires_in)

    async def _ask(self, name: str, credential: Credential) -> _TokenResponse:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": credential.refresh_token.get_secret_value(),
            "client_id": credential.client_id,
            "client_secret": credential.client_secret.get_secret_value(),
            "scope": credential.scope or "",
        }
        given = {field: value for field, value in form.items() if value}
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, verify=system_authorities()) as client:
                response = await client.post(credential.token_url, data=given)
        except httpx.TransportError as error:
            raise ProviderUnavailable(f"{name}: the provider was not reached ({type(error).__name__})") from None
        if response.status_code in {400, 401, 403}:
            raise TokenRefused(f"{name}: the provider refuses to refresh ({_reason(response)}); log in there again")
        if response.status_code != httpx.codes.OK:
            raise TemporaryFailure(f"{name}: the provider answered {response.status_code}")
        try:
            return _TokenResponse.model_validate_json(response.content)
        except ValidationError:
            raise TemporaryFailure(f"{name}: the provider's answer has no access token") from None


def _reason(response: httpx.Response) -> str:
    # The code alone (RFC 6749, section 5.2): a description may repeat what it was given.
    try:
        return str(response.json()["error"])[:100]
    except (ValueError, KeyError, TypeError):
        return str(response.status_code)

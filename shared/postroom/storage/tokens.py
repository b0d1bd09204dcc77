"""OAuth2 credentials, encrypted in the data folder: maintenance keeps them fresh, services log in with them.

One file per credential, `tokens/<name>`, encrypted with POSTROOM_TOKEN_KEY. Several keys, separated by commas, are for
changing it: the first one encrypts, any of them decrypts.
"""

import os
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import AwareDatetime, BaseModel, Field, SecretStr, ValidationError

from postroom.settings import RuntimeSettings
from postroom.wire.errors import ConfigurationError, PostroomError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class NoToken(PostroomError):
    """There is no usable token of that name. The text says what to do."""


class Credential(BaseModel):
    """What a provider gave us.

    Attributes:
        token_url: where a refresh token is exchanged for an access token.
        access_token: good until `expires_at`; empty before the first refresh.
    """

    token_url: str = Field(pattern=r"^https?://")
    client_id: str
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr
    scope: str | None = None
    access_token: SecretStr = SecretStr("")
    expires_at: AwareDatetime = datetime.fromtimestamp(0, UTC)

    def is_good_for(self, duration: timedelta) -> bool:
        """Whether the access token can be used for so long."""
        return bool(self.access_token.get_secret_value()) and self.expires_at > datetime.now(UTC) + duration


class TokenVault:
    """The credentials in one folder.

    Args:
        folder: made when the first one is stored, for this user alone.
        keys: as POSTROOM_TOKEN_KEY has them. Raises ConfigurationError for what is no key.
    """

    def __init__(self, folder: Path, keys: SecretStr | None) -> None:
        self._folder = folder
        self._cipher = _cipher(keys) if keys is not None else None

    @classmethod
    def from_settings(cls, settings: RuntimeSettings) -> "TokenVault":
        """The vault of this installation."""
        return cls(settings.data_dir / "tokens", settings.token_key)

    def names(self) -> list[str]:
        """The credentials there are."""
        return sorted(path.name for path in self._folder.glob("*") if NAME.fullmatch(path.name))

    def read(self, name: str) -> Credential:
        """A credential. Raises NoToken."""
        try:
            content = (self._folder / self._checked(name)).read_bytes()
            return Credential.model_validate_json(self._opened().decrypt(content))
        except OSError:
            raise NoToken(f"there is no credential {name!r}; `postroom tokens set {name}` stores one") from None
        except (InvalidToken, ValidationError):
            raise NoToken(f"{name}: not readable with POSTROOM_TOKEN_KEY; is it another key's?") from None

    def write(self, name: str, credential: Credential) -> None:
        """Store a credential in place of what was there: whole, or not at all."""
        fields = credential.model_dump(mode="json")
        for field in ("client_secret", "refresh_token", "access_token"):
            fields[field] = getattr(credential, field).get_secret_value()
        content = self._opened().encrypt(orjson.dumps(fields))
        target = self._folder / self._checked(name)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, staged = tempfile.mkstemp(dir=self._folder, prefix="~")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(staged).replace(target)
        except BaseException:
            Path(staged).unlink(missing_ok=True)
            raise

    async def access_token(self, name: str) -> str:
        """The access token to log in with now. Raises NoToken when it has run out."""
        credential = self.read(name)
        if not credential.is_good_for(timedelta(0)):
            raise NoToken(f"{name}: the access token has run out; does maintenance.refresh-tokens run?")
        return credential.access_token.get_secret_value()

    def _opened(self) -> MultiFernet:
        if self._cipher is None:
            raise NoToken("POSTROOM_TOKEN_KEY is not set; make one with `postroom tokens key`")
        return self._cipher

    @staticmethod
    def _checked(name: str) -> str:
        if not NAME.fullmatch(name):
            raise NoToken(f"{name!r} is no name: lower-case letters, digits, dot, dash, underscore")
        return name


def _cipher(keys: SecretStr) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key.strip()) for key in keys.get_secret_value().split(",")])
    except ValueError:
        raise ConfigurationError(
            "POSTROOM_TOKEN_KEY: not a key; `postroom tokens key` makes one; several are separated by commas"
        ) from None

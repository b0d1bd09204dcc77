"""The passwords of the broker's users: in a file that only its owner may read, as a salted hash at the broker."""

import hmac
import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from postroom.wire.errors import ConfigurationError

HASHING = "rabbit_password_hashing_sha256"
_SALT_BYTES = 4  # RabbitMQ's own: the hash is the salt, then SHA-256 of salt and password


class Passwords:
    """Passwords by user name, kept in a JSON file with mode 0600. Nothing is read or written before a method is called.

    Raises ConfigurationError, without a word of the content, for a file that is not such an object.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._by_name = _read(path)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def of(self, name: str) -> str:
        """The password of a user that has one."""
        return self._by_name[name]

    def complete(self, names: Iterable[str], *, renew: bool = False) -> None:
        """Give each of these users a password, a new one with `renew`, and write the file if that changed it."""
        missing = [name for name in names if renew or name not in self._by_name]
        if missing:
            self._by_name.update((name, secrets.token_urlsafe(24)) for name in missing)
            _write(self.path, self._by_name)


def password_hash(password: str) -> str:
    """`password` as the broker keeps it, with a salt of its own."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return b64encode(salt + _digest(salt, password)).decode()


def is_hash_of(hashed: str, password: str) -> bool:
    """Whether the broker's `hashed` was made of `password`."""
    raw = b64decode(hashed)
    return hmac.compare_digest(raw[_SALT_BYTES:], _digest(raw[:_SALT_BYTES], password))


def _digest(salt: bytes, password: str) -> bytes:
    return sha256(salt + password.encode()).digest()


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) and value for value in found.values()):
        raise ConfigurationError(f'{path} is not a JSON object of passwords by user name: {{"postroom-email": "…"}}')
    return found


def _write(path: Path, passwords: dict[str, str]) -> None:
    """Write a file beside it and rename: a kill leaves the old content or the new one, never half of it."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(passwords, file, indent=2, sort_keys=True)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from None

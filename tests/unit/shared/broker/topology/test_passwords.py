"""Passwords of the broker's users: their file and their hashes."""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from postroom.broker.topology.passwords import Passwords, is_hash_of, password_hash
from postroom.wire.errors import ConfigurationError

CANARY = "canary-password"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "users.json"


def test_missing_ones_are_made_up_and_kept_for_the_next_run_where_only_the_owner_reads(file: Path) -> None:
    first = Passwords(file)
    first.complete(["a", "b"])

    again = Passwords(file)
    again.complete(["a", "b"])

    assert file.stat().st_mode & 0o777 == 0o600
    assert again.of("a") == first.of("a") != first.of("b")
    assert len(first.of("a")) >= 32
    assert list(file.parent.iterdir()) == [file]


def test_given_ones_are_taken_and_a_complete_file_is_not_written(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps({"a": CANARY}))
    file.parent.chmod(0o500)

    passwords = Passwords(file)
    passwords.complete(["a"])

    assert passwords.of("a") == CANARY
    assert json.loads(file.read_text()) == {"a": CANARY}


def test_renewed_ones_are_new_and_those_of_others_stay(file: Path) -> None:
    passwords = Passwords(file)
    passwords.complete(["a", "other"])
    before = {name: passwords.of(name) for name in ("a", "other")}

    passwords.complete(["a"], renew=True)

    assert Passwords(file).of("a") != before["a"]
    assert Passwords(file).of("other") == before["other"]


@pytest.mark.parametrize("content", [f'{{"a": "{CANARY}"', f'["{CANARY}"]', f'{{"a": ["{CANARY}"]}}', '{"a": ""}'])
def test_a_file_of_another_shape_is_refused_without_showing_it(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_text(content)

    with pytest.raises(ConfigurationError, match=r"users\.json is not a JSON object of passwords") as refused:
        Passwords(file)

    assert CANARY not in str(refused.value)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="cannot read"):
        Passwords(tmp_path / "file" / "users.json").complete(["a"])


def test_a_hash_is_the_salt_then_the_digest_and_fits_its_password_alone() -> None:
    hashed = password_hash(CANARY)

    assert is_hash_of(hashed, CANARY)
    assert not is_hash_of(hashed, "other")
    assert password_hash(CANARY) != hashed
    assert is_hash_of(b64encode(b"salt" + sha256(b"salt" + CANARY.encode()).digest()).decode(), CANARY)
    assert not is_hash_of("", CANARY)  # a user without a password

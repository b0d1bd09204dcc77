"""Who is written down as having replayed or discarded."""

import getpass
import os

import pytest

from postroom.operator.dead_letters.operator_name import operator_name


def test_it_is_the_user_at_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")

    assert operator_name() == "ada@desk"


@pytest.mark.parametrize("error", [KeyError("no such uid"), OSError("no username set")])
def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def nameless() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nameless)

    assert operator_name().startswith(f"uid-{os.getuid()}@")

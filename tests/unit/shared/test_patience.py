"""One factor for everything that waits."""

from datetime import timedelta

import pytest

from postroom.patience import patience
from postroom.wire.errors import ConfigurationError

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(("given", "seconds"), [("", 1), ("1", 1), ("2.5", 2.5), ("0.5", 0.5)])
def test_waits_are_stretched_by_it(given: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_PATIENCE", given)

    assert patience(SECOND) == timedelta(seconds=seconds)


@pytest.mark.parametrize("given", ["much", "0", "-1", "nan", "inf", "2,5"])
def test_what_is_no_number_above_0_is_a_wrong_setting(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_PATIENCE", given)

    with pytest.raises(ConfigurationError, match=f"POSTROOM_PATIENCE: '{given}' is no number above 0"):
        patience(SECOND)

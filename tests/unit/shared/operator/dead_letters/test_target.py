"""Which queue a person means."""

import pytest

from postroom.operator.dead_letters import ReplayTarget, target_of
from postroom.wire.errors import ConfigurationError


def test_a_dead_queue_is_replayed_through_the_default_exchange() -> None:
    assert target_of("email.send.dead") == ReplayTarget("email.send.dead", "", "email.send", "email.send")


def test_unrouted_jobs_are_published_again_with_the_key_they_came_with() -> None:
    assert target_of("unrouted") == ReplayTarget("unrouted", "jobs", None, "unrouted")


@pytest.mark.parametrize("name", ["email.send", "alerting", "nonsense", ".dead", ""])
def test_another_queue_is_refused_with_the_one_that_was_meant(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean .+\.dead\?"):
        target_of(name)

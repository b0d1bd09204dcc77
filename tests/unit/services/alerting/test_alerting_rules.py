"""Which channels are notified of what."""

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from postroom_alerting.classification import IncidentSeverity, IncidentType
from postroom_alerting.rules.routes import Escalation, Route, Rule, Rules
from postroom_alerting.rules.rules_file import BrokenRules, channel_urls, read_rules_file

FAILURES, CONDITION = IncidentType.FAILURES, IncidentType.CONDITION
MINUTE = timedelta(minutes=1)


def test_the_first_rule_that_matches_counts() -> None:
    rules = Rules(
        ("a", "b"), rules=[Rule(queue="email.*", error="Recipients*", to=["a"]), Rule(queue="email.send", to=["b"])]
    )

    assert rules.route(FAILURES, "email.send", "RecipientsRefused").channels == ("a",)
    assert rules.route(FAILURES, "email.send", "Other").channels == ("b",)


def test_what_no_rule_matches_goes_to_everybody() -> None:
    rules = Rules(("a", "b"), rules=[Rule(queue="email.*", to=["a"])])

    assert rules.route(FAILURES, "sms.send", "X") == Route(("a", "b"), timedelta(minutes=15))


def test_a_rule_for_errors_matches_no_condition_and_the_other_way_round() -> None:
    of_errors, of_conditions = Rule(error="*", to=["a"]), Rule(condition="queue-*", queue="email.*", to=["a"])

    assert not of_errors.matches(CONDITION, "email.send", "queue-growing")
    assert not of_conditions.matches(FAILURES, "email.send", "queue-growing")
    assert of_conditions.matches(CONDITION, "email.send", "queue-growing")
    assert not of_conditions.matches(CONDITION, "sms.send", "queue-growing")


def test_a_dropped_failure_goes_to_no_channel() -> None:
    assert Rules(("a",), rules=[Rule(drop=True)]).route(FAILURES, "q", "X").channels == ()


def test_a_route_has_all_that_its_rule_says() -> None:
    rule = Rule(
        to=["a"], severity=IncidentSeverity.INFO, interval=MINUTE, escalate=Escalation(after=2 * MINUTE, to=["b"])
    )

    route = Rules(("a", "b"), rules=[rule]).route(FAILURES, "q", "X")

    assert route == Route(("a",), MINUTE, IncidentSeverity.INFO, 2 * MINUTE, ("b",), rule=1)


def write(folder: Path, text: str) -> Path:
    path = folder / "alerts.yaml"
    path.write_text(dedent(text))
    return path


CHANNELS = "channels: {team: env:TEAM_URL}\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("rules: []\n", 1, "channels: Field required"),
        ("- a\n", 1, "write `channels:`"),
        ("channels: {a: [}\n", 1, "no YAML"),
        ("channels:\n  team: slack://a/b/c\n", 2, "write `env:VARIABLE`"),
        (
            CHANNELS + "rules:\n  - {to: [team]}\n  - to: [tema]\n",
            4,
            "rules.2: there is no channel tema; there are team",
        ),
        (
            CHANNELS + "rules:\n  - quue: x\n    to: [team]\n",
            3,
            "rules.1.quue: there is no such field; there are queue",
        ),
        (CHANNELS + "rules:\n  - to: [team]\n    interval: soon\n", 4, "rules.1.interval"),
        (CHANNELS + "rules:\n  - to: [team]\n    severity: grave\n", 4, "'info', 'warning' or 'critical'"),
        (CHANNELS + "rules:\n  - queue: x\n", 3, "name at least one channel, or write `drop: true`"),
        (CHANNELS + "rules:\n  - drop: true\n    to: [team]\n", 3, "drop notifies nobody"),
        (CHANNELS + "rules:\n  - {error: x, condition: y, to: [team]}\n", 3, "error or condition"),
        (CHANNELS + "rules:\n  - to: [team]\n    escalate: {afer: 1h, to: [team]}\n", 4, "there are after, to"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(BrokenRules) as error:
        read_rules_file(path)

    assert f"{path}:{line}: " in str(error.value)
    assert words in str(error.value)
    assert "slack://" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenRules, match=r"alerts\.yaml: cannot be read"):
        read_rules_file(tmp_path / "alerts.yaml")


def test_the_urls_come_from_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, "channels: {team: env:TEAM_URL, own: log}\n")
    found = read_rules_file(path)

    assert channel_urls(found, path, {"TEAM_URL": "json://h"}) == {"team": "json://h", "own": "log"}
    with pytest.raises(BrokenRules, match="channel team: TEAM_URL is not set"):
        channel_urls(found, path, {})


def test_the_example_of_the_documentation_is_a_rules_file(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "alerting.md").read_text()
    path = write(tmp_path, page.partition("```yaml\n")[2].partition("```")[0])

    rules = read_rules_file(path).to_rules()

    assert (rules.interval, rules.digest) == (15 * MINUTE, 30 * MINUTE)
    assert rules.route(FAILURES, "report.generate", "Expired").channels == ()
    assert rules.route(FAILURES, "email.send", "RecipientsRefused").interval == timedelta(hours=6)
    assert rules.route(CONDITION, "email.send", "queue-without-consumers").severity is IncidentSeverity.CRITICAL
    assert rules.route(FAILURES, "sms.send", "X").escalate_to == ("pager",)

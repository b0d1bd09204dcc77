"""`postroom demo`, as somebody sees it who has just cloned the repository."""

import re
import signal
from pathlib import Path

import pytest

from tests.support.crash_cli import command, nothing_left
from tests.support.patience import WORK

pytestmark = pytest.mark.broker

NEWCOMER_SEES = (
    r"1\. A broker and the services",
    r"RabbitMQ \d+\.\d+\.\d+ is up",
    r"services ready: email .*sms .*webhook .*report .*audit .*alerting .*scheduler .*scheduler",
    r"published to exchange events, key user\.created",
    r"mail to ada@example\.com: “Welcome.*” after \d+ ms",
    r"451 mailbox busy → again in 1 s",
    r"451 mailbox busy → again in 2 s",
    r"mail to slow@example\.com: .* on the third try",
    r"text to \+491511234567: “Your code is \d{6}\.” after \d+ ms",
    r"published to exchange jobs, key webhook\.deliver",
    r"signature genuine: 503 → again in 1 s",
    r"signature genuine: 200",
    r"dead letter in email\.send\.dead: RecipientsRefused: .*550 5\.1\.1 no such user here",
    r"alert: email\.send: RecipientsRefused",
    r"dead letter in email\.send\.dead: InvalidMessage: subject: ",
    r"\$ postroom dead replay email\.send\.dead --id \w+ --yes",
    r"mail to gone@example\.com: “Your invoice”, same id",
    r"the mail server is stopped",
    r"/readyz of email: outage, no mail server takes mail",
    r"alert: .*email.*circuit",
    r"the mail server is back",
    r"/readyz of email: no outage",
    r"all 40 mails arrived .* no dead letter, no try used",
    r"published to exchange jobs, key email\.send: 50 mails to mailboxes that are full",
    r"alert: email\.send: RecipientsRefused",
    r"50 dead letters, one alert",
    r"mail to board@example\.com: “.*”, a PDF of [\d,]+ bytes after [\d,]+ ms",
    r"look at it: .*demo/daily-user-report-\d{4}-\d\d-\d\d\.pdf",
    *(r"mail to team@example\.com: “It is \d{4}-\S+Z”, \d+ ms after its time",) * 3,
    r"\$ postroom schedules show demo",
    *(r"│ done",) * 3,
    r"All 11 steps as promised, in \d+ s",
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A folder for temporary files of its own, by which its processes are known too."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return {"TMPDIR": str(temporary), "POSTROOM_DATA_DIR": str(tmp_path / "var")}


def test_the_demo_shows_the_whole_story_and_leaves_nothing_behind(environment: dict[str, str], tmp_path: Path) -> None:
    with command(["demo"], environment, tmp_path / "output") as demo:
        code = demo.wait(WORK)

    shown = " ".join(demo.said.split())
    assert code == 0, demo.said
    position = 0
    for line in NEWCOMER_SEES:
        found = re.compile(line).search(shown, position)
        assert found, f"{line!r} is missing, or out of order, in:\n{demo.said}"
        position = found.start()
    nothing_left([environment["TMPDIR"]])
    assert not list(Path(environment["TMPDIR"]).iterdir())
    (report,) = (tmp_path / "var" / "demo").iterdir()
    assert report.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("wrench", "failure"),
    [
        (
            {"EMAIL_TIMEOUT_SECONDS": "0.00001"},  # no mail server answers that fast
            r"step 2 \(A fact is published, and a mail goes out\) failed: waited \S+ s for a mail to ada@example\.com",
        ),
        ({"EMAIL_TIMEOUT_SECONDS": "0"}, r"step 1 \(A broker and the services\) failed: email cannot start"),
    ],
    ids=["unreachable-mail-server", "wrong-setting"],
)
def test_a_demo_that_fails_names_the_step_and_shows_why(
    wrench: dict[str, str], failure: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with command(["demo"], environment | wrench, tmp_path / "output") as demo:
        code = demo.wait(WORK)

    shown = " ".join(demo.said.split())
    assert code == 1, demo.said
    assert re.search(failure, shown), demo.said
    assert re.search(r"Timed out connecting|EMAIL_TIMEOUT_SECONDS: Input should be greater than 0", shown), demo.said
    nothing_left([environment["TMPDIR"]])
    (log,) = Path(environment["TMPDIR"]).iterdir()
    assert str(log) in "".join(demo.said.split())


@pytest.mark.parametrize(
    ("moment", "end"),
    [("starting a private RabbitMQ", "Ctrl-C"), (r"2\. A fact is published", "Ctrl-C"), ("is up, from", "kill -9")],
    ids=["Ctrl-C-early", "Ctrl-C-in-the-story", "kill"],
)
def test_a_demo_that_is_ended_early_leaves_nothing_behind(
    moment: str, end: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with command(["demo"], environment, tmp_path / "output") as demo:
        demo.says(moment)
        if end == "Ctrl-C":
            demo.control_c()
        else:
            demo.process.send_signal(signal.SIGKILL)
        code = demo.wait(WORK)

        nothing_left([environment["TMPDIR"]])
    assert code != 0
    assert "Traceback" not in demo.said
    if end == "Ctrl-C":
        assert not list(Path(environment["TMPDIR"]).iterdir())

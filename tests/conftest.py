"""The servers that tests talk to, and what is reported at the end about those that were missing."""

import os
from collections.abc import Generator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support")  # what helpers assert is explained like what tests assert

from postroom.devkit.broker_node import FOUR_WAYS, BrokerNode, NoBroker
from tests.hard import RECORD
from tests.support import not_tried, patience, processes, servers
from tests.support.brokers import VirtualHost, node_for_tests, node_from_facts, virtual_host_on
from tests.support.missing import missing, program, setup_system
from tests.support.postgres import scratch_database
from tests.support.rabbitmq4 import REMEDY

# How long an example takes is no property of ours. The same examples come in each run, unless chance is looked for.
settings.register_profile(
    "postroom",
    deadline=None,
    derandomize=RECORD not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("postroom")
NEEDS_BROKER = {"broker", "vhost", "own_broker"}


LONGEST_TEST = timedelta(minutes=30)
"""A net for what hangs without a limit of its own; longer where those limits are."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin the session in pytest itself; a worker of pytest-xdist finds it in its environment."""
    if not hasattr(config, "workerinput"):
        servers.begin_session()
        patience.begin()
    if RECORD in os.environ:
        config.pluginmanager.import_plugin("tests.support.recording_waits")
    if config.option.timeout is None:  # pytest-timeout's, which reads it after us
        config.option.timeout = max(LONGEST_TEST.total_seconds(), patience.seconds(3 * patience.WORK))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the shared servers."""
    if not hasattr(config, "workerinput"):
        servers.end_session()


def pytest_report_header() -> str:
    """How patient this run is, so that a log tells."""
    return f"patience: {os.environ[patience.PATIENCE]} times as long as tests/support/patience.py says"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a broker, before `-m` selects."""
    for item in items:
        if NEEDS_BROKER & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.broker)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart() -> None:
    """What the test before has started is not this one's."""
    processes.forget_logs()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A red test shows what the programs said that it started."""
    report = yield
    if report.failed:
        report.sections += [(f"Log of {name}", text) for name, text in processes.logs().items()]
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, exitstatus: int) -> Generator[None]:
    """End with what was not tried on this machine and what would make it, below the list of failures."""
    yield
    if skipped := terminalreporter.stats.get("skipped"):
        terminalreporter.section(f"not tried here: {not_tried.counted(len(skipped))}")
        terminalreporter.write("\n".join([*not_tried.lines(skipped), ""]))
    elif exitstatus == pytest.ExitCode.OK:
        terminalreporter.write_line("everything was tried")


@pytest.fixture(scope="session")
def broker() -> BrokerNode:
    """The RabbitMQ that all tests share; most want `vhost` instead."""
    try:
        return node_from_facts(servers.shared_server("broker"))
    except servers.NotHere as reason:
        _no_broker(reason)


@pytest.fixture
def vhost(broker: BrokerNode) -> Iterator[VirtualHost]:
    """A virtual host of the test's own on the shared RabbitMQ."""
    with virtual_host_on(broker) as virtual_host:
        yield virtual_host


@pytest.fixture
def own_broker() -> Iterator[BrokerNode]:
    """A RabbitMQ node of the test's own, which it may stop, kill and start again. Takes some seconds."""
    try:
        node = node_for_tests(own=True)
        broker = node.__enter__()
    except NoBroker as reason:
        _no_broker(reason)
    try:
        yield broker
    finally:
        node.__exit__(None, None, None)


def _no_broker(reason: Exception) -> NoReturn:
    if os.environ.get("POSTROOM_TEST_BROKER") == "4":
        missing(_first_line(reason), REMEDY)
    what = "RabbitMQ is not installed" if str(reason) == FOUR_WAYS else _first_line(reason)
    missing(what, f"{setup_system('rabbitmq-server')}, or start Docker, or set POSTROOM_AMQP_URL")


def _first_line(reason: Exception) -> str:
    return str(reason).partition("\n")[0]


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database of the test's own."""
    try:
        server = servers.shared_server("postgres")
    except servers.NotHere as reason:
        missing(_first_line(reason), f"{setup_system('postgresql')}, or set POSTROOM_TEST_POSTGRES_URL")
    with scratch_database(server["url"]) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of a browser, for tests.support.browser."""
    return program("chromium")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of an empty database of the test's own, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/database.sqlite3"
    return str(request.getfixturevalue("postgres_url"))

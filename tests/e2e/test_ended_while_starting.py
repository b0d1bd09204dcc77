"""A service that is told to end before it works ends as one that works does: in good order, with 0."""

import sys
from pathlib import Path

import pytest

from postroom.devkit.ports import free_ports
from postroom.installation import installed_services
from postroom.testing import eventually
from tests.support.crash import ServiceProcess
from tests.support.patience import PROCESS_STARTS
from tests.support.processes import run

TOLD_TO_END = """
import os, signal
os.kill(os.getpid(), signal.{name})
raise SystemExit("it went on")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("service", [service.name for service in installed_services()])
async def test_a_service_that_is_told_to_end_while_it_imports_ends_with_0(
    service: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / "uvloop.py").write_text(TOLD_TO_END.format(name=name))  # what the runtime of each service imports

    ended = await run(
        *(sys.executable, "-m", f"postroom_{service}"),
        environment={"PYTHONPATH": str(tmp_path), "POSTROOM_DATA_DIR": str(tmp_path)},
    )

    assert (ended.code, ended.output) == (0, "")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
async def test_postroom_run_that_is_told_to_end_while_it_imports_ends_with_0(name: str, tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text(TOLD_TO_END.format(name=name))

    ended = await run(
        *(sys.executable, "-m", "postroom.operator.cli", "run", "email"),
        environment={"PYTHONPATH": str(tmp_path), "POSTROOM_DATA_DIR": str(tmp_path)},
    )

    assert (ended.code, ended.output) == (0, "")


async def test_a_service_that_is_told_to_end_while_it_waits_for_the_broker_ends_with_0(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    environment = {"POSTROOM_AMQP_URL": f"amqp://127.0.0.1:{port}/", "POSTROOM_DATA_DIR": str(tmp_path)}
    service = ServiceProcess("postroom_email", environment, tmp_path / "log")
    service.start()
    try:
        await eventually(lambda: "Waiting for the broker" in service.log.read_text(), within=PROCESS_STARTS)

        assert service.stop() == 0
    finally:
        service.end()
    assert "Stopped" in service.log.read_text()

"""Free ports, and whose they are."""

import subprocess
import sys

import pytest

from postroom.devkit import ports

HOLD = "import sys; from postroom.devkit import ports; print(*ports.free_ports(1), flush=True); sys.stdin.read()"
ASK_FOR = "from postroom.devkit import ports; ports.FIRST = ports.LAST = {port}; print(ports.free_ports(1))"


def given(port: int) -> str:
    """What another process gets that can have this port only."""
    ask = [sys.executable, "-c", ASK_FOR.format(port=port)]
    return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing holds a port whose server is away")
def test_a_port_belongs_to_its_process_until_that_ends_whether_a_server_listens_or_not() -> None:
    hold = [sys.executable, "-c", HOLD]
    with subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        port = int(holder.stdout.readline())
        assert given(port) == "[]"

    assert given(port) == f"[{port}]"


def test_ports_are_different_and_below_those_of_outgoing_connections() -> None:
    found = ports.free_ports(50)

    assert len(set(found)) == 50
    assert all(ports.FIRST <= port <= ports.LAST < 32768 for port in found)

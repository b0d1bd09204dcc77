"""A RabbitMQ 4.x to test against, beside the one at hand.

The project's tool `../shared/tools/rabbitmq4` unpacks one into a root of its own; our nodes run from that root, so that
a node the tool itself has started is left alone, and any number can run beside it.

    python -m tests.support.rabbitmq4        makes it ready; exits with 1 and the reason where that cannot be
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postroom.devkit.broker_node import NoBroker
from postroom.devkit.broker_node.installation import Installation, installation_in
from postroom.devkit.ports import free_ports

TOOL = Path(__file__).parents[2].parent / "shared" / "tools" / "rabbitmq4"
DEFAULT_ROOT = "/var/tmp/rabbitmq4"  # noqa: S108 - the tool's own
REMEDY = "run the tests as root on Debian, with the tool that unpacks one: see tests/support/rabbitmq4.py"
UNPACK_WITHIN_SECONDS = 900


def rabbitmq4_installation() -> Installation:
    """The RabbitMQ 4.x of this machine, unpacked first where need be. Raises NoBroker with the reason."""
    if os.geteuid() != 0:
        raise NoBroker("no RabbitMQ 4.x: its root is entered by chroot, which needs root")
    root = Path(os.environ.get("RABBITMQ4_ROOT", DEFAULT_ROOT))
    if installation := installation_in(root):
        return installation
    if not TOOL.exists():
        raise NoBroker(f"no RabbitMQ 4.x: there is none in {root}, and no {TOOL} to unpack one")
    with _only_one_process():
        if installation := installation_in(root):
            return installation
        _unpack(root)
    if installation := installation_in(root):
        return installation
    raise NoBroker(f"no RabbitMQ 4.x: {TOOL} left none in {root}, or this machine has no `unshare`")


def _unpack(root: Path) -> None:
    # The tool unpacks when it starts a node, with one set of ports and one name per machine: ports of our own, and
    # Erlang's port mapper too, so that it meets nobody else's.
    amqp, management, epmd = free_ports(3)
    environment = {**os.environ, "RABBITMQ4_ROOT": str(root), "ERL_EPMD_PORT": str(epmd)}
    for order in (("start", str(amqp), str(management)), ("stop",)):
        try:
            done = subprocess.run(
                [str(TOOL), *order],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=UNPACK_WITHIN_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoBroker(f"no RabbitMQ 4.x: {TOOL} {order[0]}: {error}") from None
        if done.returncode:
            raise NoBroker(f"no RabbitMQ 4.x: {TOOL} {order[0]} failed: {(done.stdout + done.stderr)[-800:]}")
    subprocess.run(["chroot", str(root), "epmd", "-port", str(epmd), "-kill"], capture_output=True, check=False)


@contextmanager
def _only_one_process() -> Iterator[None]:
    descriptor = os.open(TOOL, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"RabbitMQ 4.x is in {rabbitmq4_installation().root}\n")
    except NoBroker as error:
        sys.exit(f"RabbitMQ 4.x: NOT TESTED: {' '.join(str(error).split())}; {REMEDY}")  # one line: .ci/run repeats it

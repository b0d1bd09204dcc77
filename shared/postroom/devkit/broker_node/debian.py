"""Installs missing packages on Debian and Ubuntu, without starting their servers.

python -m postroom.devkit.broker_node.debian rabbitmq-server postgresql
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from postroom.devkit.broker_node.errors import ServerNotStarted

Say = Callable[[str], None]

START_POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian's packages ask this program before they start a service; 101 means no."""

LOCK = Path("/run/lock/postroom-install")
PATIENCE = ("-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3")


def can_install() -> bool:
    """Whether this is Debian or Ubuntu, and we are root."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def is_installed(package: str) -> bool:
    """Whether dpkg has the package, configured."""
    if shutil.which("dpkg-query") is None:
        return False
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"


def install(packages: Sequence[str], say: Say) -> None:
    """Install those of `packages` that are missing; their services are neither started nor enabled.

    Raises ServerNotStarted with apt's last words when that fails.
    """
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two at a time would take each other's start policy away
        missing = [package for package in packages if not is_installed(package)]
        if missing:
            _install(missing, say)


def _install(missing: Sequence[str], say: Say) -> None:
    say(f"installing {', '.join(missing)} with apt-get; the services that come with it stay off")
    with _no_service_starts():
        _apt_get("update", *PATIENCE)
        _apt_get("install", "--yes", "--no-install-recommends", *PATIENCE, *missing)
    for package in missing:
        # Nor at the next boot: we want the programs, not a broker on the default port. Works without systemd, too.
        subprocess.run(["update-rc.d", package, "disable"], capture_output=True, check=False)


def _apt_get(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", "--quiet=2", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    if done.returncode:
        last_words = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise ServerNotStarted(f"apt-get {arguments[0]} failed; its last words:\n  {last_words}")


@contextmanager
def _no_service_starts() -> Iterator[None]:
    if START_POLICY.exists():  # somebody has decided already, as container images do
        yield
        return
    START_POLICY.write_text("#!/bin/sh\nexit 101\n")
    START_POLICY.chmod(0o755)
    try:
        yield
    finally:
        START_POLICY.unlink(missing_ok=True)

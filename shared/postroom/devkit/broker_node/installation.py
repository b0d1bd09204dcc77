"""A RabbitMQ server that is installed on this machine, or unpacked in a root of its own."""

import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from postroom.devkit.broker_node.errors import ServerNotStarted

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin:/opt/homebrew/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# The start script itself. Debian's and Red Hat's `rabbitmq-server` on the PATH is a wrapper around it that changes to
# the user `rabbitmq` when called by root and refuses everybody else.
PACKAGED_SERVER = "usr/lib/rabbitmq/bin/rabbitmq-server"

LINKS = Path("/tmp")  # noqa: S108 - checked below; TMPDIR may be another one next time

# Enters another root with mounts of its own, which end with the process: $1 the root, $2 the node's folder.
ENTER_ROOT = (
    'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --bind "$2" "$1/mnt"'
    ' && root=$1 && shift 2 && exec chroot "$root" /usr/bin/env -C /mnt "$@"'
)


@dataclass(frozen=True)
class Installation:
    """Where the server's start script is. With `root`, all paths are inside that root, entered by chroot."""

    server: str
    epmd: str | None
    path: str
    root: Path | None = None

    def command(self, program: str, *arguments: str, folder: Path) -> list[str]:
        """The command line that runs `program` of this installation for the node in `folder`."""
        if self.root is None:
            return [program, *arguments]
        enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER_ROOT, "enter"]
        return [*enter, str(self.root), str(folder), program, *arguments]

    def view_of(self, node: str) -> PurePosixPath:
        """The path under which `node` is to see its folder: the same whenever it runs, wherever the folder is.

        RabbitMQ writes absolute paths into its data: after the folder was moved its quorum queues would not start. And
        it measures free disk space with a shell command that does not quote the path. So it is given a plain link.
        """
        return PurePosixPath("/mnt" if self.root else LINKS / node.partition("@")[0] / "node")

    def make_view(self, folder: Path, node: str) -> list[str]:
        """Make that path lead to `folder`; returns what to remove when the node has ended.

        Raises ServerNotStarted when somebody else has put something there.
        """
        if self.root is not None:
            return []  # the mount ends with the process
        link = Path(self.view_of(node))
        link.parent.mkdir(mode=0o700, exist_ok=True)
        found = link.parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ServerNotStarted(f"{link.parent} belongs to somebody else; remove it")
        link.unlink(missing_ok=True)  # of a guardian that was itself killed
        link.symlink_to(folder)
        return [str(link.parent)]


def find_installation(environment: Mapping[str, str]) -> Installation | None:
    """The RabbitMQ server of this machine, if there is one."""
    # /usr/sbin is not on an ordinary user's PATH.
    path = f"{environment.get('PATH', os.defpath)}:{SYSTEM_PATH}"
    packaged = f"/{PACKAGED_SERVER}"
    server = packaged if os.access(packaged, os.X_OK) else shutil.which("rabbitmq-server", path=path)
    if server is None or shutil.which("erl", path=path) is None:
        return None
    return Installation(server=server, epmd=shutil.which("epmd", path=path), path=path)


def installation_in(root: Path) -> Installation | None:
    """The RabbitMQ server that is unpacked in `root`, if there is one and this user may enter it."""
    if os.geteuid() != 0 or not (root / PACKAGED_SERVER).exists() or shutil.which("unshare") is None:
        return None
    return Installation(server=f"/{PACKAGED_SERVER}", epmd="/usr/bin/epmd", path="/usr/sbin:/usr/bin:/bin", root=root)

"""The configuration of a private RabbitMQ node: files in its folder and its environment, nothing of the machine's own.

Paths are those the node sees, which differ from ours where it runs in another root.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

DEAD_LETTERS_AGAIN = "-rabbit dead_letter_worker_publisher_confirm_timeout 15000"
"""For Erlang: when RabbitMQ repeats a step of the delay ladder whose next queue did not confirm, in milliseconds.

Its own default is three minutes. A message that takes a step while the broker dies or starts is late by that much.
"""
PLUGINS = ("rabbitmq_management", "rabbitmq_shovel", "rabbitmq_shovel_management", "rabbitmq_prometheus")


@dataclass(frozen=True)
class Identity:
    """What makes a node the same node after a restart: its data is stored under its name."""

    name: str
    amqp: int
    management: int
    prometheus: int
    distribution: int
    epmd: int

    def ports(self) -> tuple[int, ...]:
        """All ports it listens on."""
        return self.amqp, self.management, self.prometheus, self.distribution, self.epmd


def configuration_files(identity: Identity) -> Mapping[str, str]:
    """File name to text, for the node's folder."""
    return {
        "rabbitmq.conf": "\n".join(
            (
                f"listeners.tcp.1 = 127.0.0.1:{identity.amqp}",
                "management.tcp.ip = 127.0.0.1",
                f"management.tcp.port = {identity.management}",
                "prometheus.tcp.ip = 127.0.0.1",
                f"prometheus.tcp.port = {identity.prometheus}",
                "log.console = false",
                "log.file.level = warning",
                "disk_free_limit.absolute = 100MB",
                "",
            )
        ),
        "enabled_plugins": f"[{','.join(PLUGINS)}].\n",
        # Empty on purpose: where these are missing the machine's own in /etc/rabbitmq are read.
        "advanced.config": "[].\n",
        "rabbitmq-env.conf": "",
    }


def write_folder(folder: Path, identity: Identity) -> None:
    """Make the node's folder ready. An existing folder keeps its data and its cookie."""
    for name in ("data", "log", "home"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    for name, text in configuration_files(identity).items():
        (folder / name).write_text(text)
    cookie = folder / "home" / ".erlang.cookie"
    if not cookie.exists():
        cookie.touch(mode=0o600)
        cookie.write_text(secrets.token_hex(16))
    cookie.chmod(0o400)


def node_environment(seen: PurePosixPath, identity: Identity, path: str) -> Mapping[str, str]:
    """The node's whole environment: nothing of the caller's RABBITMQ_* or ERL_* gets through."""
    return {
        "PATH": path,
        "HOME": f"{seen}/home",  # the Erlang cookie's place, also where the caller's HOME is unset or read-only
        "LANG": "C.UTF-8",
        "RABBITMQ_NODENAME": identity.name,
        "RABBITMQ_CONFIG_FILE": f"{seen}/rabbitmq.conf",
        "RABBITMQ_CONFIG_FILES": f"{seen}/conf.d/*.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": f"{seen}/advanced.config",
        "RABBITMQ_CONF_ENV_FILE": f"{seen}/rabbitmq-env.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{seen}/enabled_plugins",
        "RABBITMQ_MNESIA_BASE": f"{seen}/data",
        "RABBITMQ_LOG_BASE": f"{seen}/log",
        "RABBITMQ_PID_FILE": f"{seen}/pid",
        "RABBITMQ_DIST_PORT": str(identity.distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {{127,0,0,1}} {DEAD_LETTERS_AGAIN}",
        # The start script then becomes the Erlang VM instead of waiting for it: one process, one process id.
        "RUNNING_UNDER_SYSTEMD": "true",
        "ERL_EPMD_PORT": str(identity.epmd),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP_SECONDS": "0",
    }

"""Our distributions as wheels, and environments that have nothing but what is installed into them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.patience import WORK, seconds

PROJECT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"

_ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
ENVIRONMENT = {**_ENVIRONMENT, "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1"}
"""What uv is told: no other Python than ours, and no environment that it might take for the wanted one."""


def build_wheels(folder: Path) -> None:
    """A wheel of each of our distributions, in `folder`."""
    _uv("build", "--all-packages", "--wheel", "--no-build-isolation", "--out-dir", str(folder))


def locked_versions() -> list[str]:
    """The versions in uv.lock, so that a package index that goes on makes no test red: `httpx==0.28.1`."""
    given = ("--frozen", "--all-packages", "--all-extras", "--all-groups", "--no-emit-workspace", "--no-hashes")
    lines = _uv("export", *given, "--no-header", "--no-annotate").splitlines()
    return [line for line in lines if "==" in line]


def make_environment(folder: Path, wheels: Path, *requirements: str) -> Path:
    """A new virtual environment with these installed; its folder of programs."""
    _uv("venv", "--no-project", str(folder))
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(locked_versions()) + "\n")
    python = folder / "bin/python"
    given = ("--find-links", str(wheels), "--constraints", str(constraints))
    _uv("pip", "install", "--python", str(python), *given, *requirements)
    return python.parent


def installed_in(programs: Path) -> list[str]:
    """The names of the distributions that an environment has."""
    return [line.partition("==")[0] for line in _uv("pip", "freeze", "--python", str(programs / "python")).splitlines()]


def _uv(*arguments: str) -> str:
    done = subprocess.run(
        [UV, *arguments],
        cwd=PROJECT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=seconds(WORK),
        check=False,
    )
    assert done.returncode == 0, f"uv {' '.join(arguments)}\n{done.stderr}"
    return done.stdout

"""Asking a service's own program: the command line knows no service from the inside."""

import json
import subprocess
import sys
from typing import Any

from postroom.wire.errors import ConfigurationError, NoDatabase

PYTHON = sys.executable
"""What runs a service's program."""


def ask_service(service: str, *arguments: str, given: str = "") -> Any:
    """What `python -m services.<service> <arguments>` answers.

    Raises ConfigurationError with its complaint, NoDatabase where the service never ran.
    """
    command = [PYTHON, "-m", f"services.{service}", *arguments]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise ConfigurationError(
            f"the {service} service cannot be asked ({lines[-1]}); is it installed? pip install 'postroom[{service}]'"
        ) from None
    if isinstance(answer, dict) and "error" in answer:
        raise (NoDatabase if answer.get("no_database") else ConfigurationError)(str(answer["error"]))
    return answer

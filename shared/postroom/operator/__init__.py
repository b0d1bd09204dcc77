"""What a person does by command: everything of `postroom`, and dead letters."""

import gc
import sys


def main() -> None:
    """The command `postroom`. Without the libraries of the command line it says how to get them, and ends with 1."""
    # Looking for garbage is a fifth of the time of importing, which leaves none. It goes on once a command is loaded.
    gc.disable()
    try:
        from postroom.operator.cli import main as run  # noqa: PLC0415 - may not be there
    except ModuleNotFoundError as error:
        if (error.name or "postroom").partition(".")[0] == "postroom":
            raise  # a mistake of ours, which no installation mends
        sys.exit(f"postroom: the command line needs {error.name}: pip install 'postroom[cli]'")
    run()

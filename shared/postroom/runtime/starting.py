"""How the process of a service begins, before anything is imported that takes time."""

import importlib
import os
import signal


def start(module: str) -> None:
    """Import `module` and run its `main`.

    SIGTERM and SIGINT end the process with 0 from now on, as they do when it works: until the runtime takes them over,
    there is nothing yet that has to be finished.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not SystemExit, which would be raised inside of whatever is being imported.
        signal.signal(number, lambda *_: os._exit(0))
    importlib.import_module(module).main()

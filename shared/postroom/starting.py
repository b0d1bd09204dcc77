"""How the process of a service begins, before anything is imported that takes time."""

import os
import signal
import sys

from postroom.installation import find_service
from postroom.service import Service


def start(service: Service) -> None:
    """Import what the service is made of, and run it until SIGTERM or SIGINT.

    SIGTERM and SIGINT end the process with 0 from now on, as they do when it works: until the runtime takes them over,
    there is nothing yet that has to be finished.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not SystemExit, which would be raised inside of whatever is being imported.
        signal.signal(number, lambda *_: os._exit(0))
    # Imported only now: that takes half a second, in which it may be told to stop.
    from postroom.runtime.serving import run  # noqa: PLC0415
    from postroom.standalone.dispatch import JobRunner, read_runner  # noqa: PLC0415

    if service.hosts_standalone and read_runner(service.name) is JobRunner.CRON:
        from postroom.standalone.runner import run_standalone  # noqa: PLC0415

        run_standalone()
    run(service)


if __name__ == "__main__":  # what the supervisor starts: without the command line's libraries
    start(find_service(sys.argv[1]))

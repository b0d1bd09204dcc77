"""Where in the code an error was raised, so that operators can tell two causes with the same words apart."""

import site
import sysconfig
from pathlib import Path

from postroom import wire

_LIBRARIES = tuple(
    str(Path(folder).resolve()) + "/" for folder in {*sysconfig.get_paths().values(), *site.getsitepackages()}
)
_RUNTIME = "postroom.runtime."


def place_of(error: BaseException) -> str | None:
    """The innermost function outside of the runtime that the error passed, as `module.function`.

    Without line numbers, which change with every version. The runtime itself and libraries are passed over; None when
    the error passed nothing else.
    """
    place = None
    trace = error.__traceback__
    while trace is not None:
        code, module = trace.tb_frame.f_code, str(trace.tb_frame.f_globals.get("__name__", ""))
        if not module.startswith(_RUNTIME) and not code.co_filename.startswith(("<", *_LIBRARIES)):
            place = f"{module}.{code.co_qualname.replace('.<locals>', '')}"
        trace = trace.tb_next
    return place and place[: wire.MAX_SHORT_BYTES]

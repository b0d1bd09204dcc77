"""What `import postroom` brings, and what it does not."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import postroom
from postroom.broker import publishing
from postroom.wire import messages

SHARED = Path(postroom.__file__).parents[1]
LOADED_LIBRARIES = """
import sys
sys.path.insert(0, {shared!r})
before = set(sys.modules)
{program}
ours = ("postroom", *sys.stdlib_module_names)
found = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(name for name in found if name not in ours and not name.startswith("_")))
"""
OF_MESSAGES = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
OF_AIO_PIKA = {"aio_pika", "aiormq", "cython_runtime", "idna", "multidict", "pamqp", "propcache", "yarl"}
OF_PUBLISHING = OF_AIO_PIKA | {"opentelemetry", "orjson"}


@pytest.mark.parametrize(
    ("program", "libraries"),
    [
        ("import postroom", set[str]()),
        ("from postroom import SendEmail, UserCreated", OF_MESSAGES),
        ("from postroom import BlockingPublisher, Publisher, SendEmail", OF_MESSAGES | OF_PUBLISHING),
    ],
)
def test_only_what_is_asked_for_is_imported(program: str, libraries: set[str]) -> None:
    source = LOADED_LIBRARIES.format(shared=str(SHARED), program=program)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) <= libraries


def test_without_extras_what_publishing_needs_is_installed() -> None:
    requirements = [each for each in metadata.requires("postroom") or () if "extra ==" not in each]

    assert {re.split(r"[ <>=!~;\[]", each)[0] for each in requirements} == {
        *("aio-pika", "opentelemetry-api", "orjson", "pydantic"),
    }


def test_without_its_libraries_the_command_says_how_to_get_them() -> None:
    program = f"import sys; sys.path.insert(0, {str(SHARED)!r}); sys.modules['typer'] = None"
    source = f"{program}\nfrom postroom.operator import main\nmain()"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (
        1,
        "postroom: the command line needs typer: pip install 'postroom[cli]'\n",
    )


def test_publishers_and_all_messages_are_here() -> None:
    assert set(dir(postroom)) >= {"BlockingPublisher", "PublishOptions", "Publisher", *messages.__all__}
    assert postroom.Publisher is publishing.Publisher
    assert postroom.SendEmail is messages.SendEmail


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="module 'postroom' has no attribute 'Publish'"):
        _ = postroom.Publish

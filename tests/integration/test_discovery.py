"""Services are found on disk; none is listed anywhere."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from postroom.runtime.discovery import LeftOut, discover, service_names, startable_services
from postroom.wire.errors import ConfigurationError

NAMESPACE = "installed_services"

GARDEN = """
    from postroom.runtime import Worker

    worker = Worker("garden")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Writes a service's modules into a namespace of this test's own."""
    root = tmp_path / NAMESPACE
    root.mkdir()
    (root / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(service: str, **modules: str) -> None:
        folder = root / service
        folder.mkdir()
        for name, source in {"__init__": "", **modules}.items():
            (folder / f"{name}.py").write_text(dedent(source))

    yield write
    for module in [name for name in sys.modules if name.partition(".")[0] == NAMESPACE]:
        del sys.modules[module]


def test_every_service_with_handlers_is_found(install: Callable[..., None]) -> None:
    install("garden", handlers=GARDEN, __main__="")
    install("clock", __main__="raise SystemExit('it was started')")
    install("texts")

    assert [worker.service for worker in discover(NAMESPACE).workers] == ["garden"]
    assert service_names(NAMESPACE) == ["clock", "garden", "texts"]
    assert startable_services(NAMESPACE) == ["clock", "garden"]


def test_a_service_whose_libraries_are_absent_leaves_the_others_alone(install: Callable[..., None]) -> None:
    install("fax", handlers="import fax_modem_driver")
    install("garden", handlers=GARDEN)

    found = discover(NAMESPACE)

    assert [worker.service for worker in found.workers] == ["garden"]
    assert found.left_out == (LeftOut("fax", "fax_modem_driver"),)
    assert str(found.left_out[0]) == ("fax is left out, fax_modem_driver is not installed: pip install 'postroom[fax]'")


def test_a_mistake_in_our_own_imports_is_not_taken_for_an_absent_library(install: Callable[..., None]) -> None:
    install("garden", handlers="import postroom.no_such_module")

    with pytest.raises(ModuleNotFoundError, match=r"postroom\.no_such_module"):
        discover(NAMESPACE)


def test_handlers_without_a_worker_are_named(install: Callable[..., None]) -> None:
    install("garden", handlers="")

    with pytest.raises(ConfigurationError, match=rf'{NAMESPACE}\.garden\.handlers has no `worker`.*Worker\("garden"\)'):
        discover(NAMESPACE)


def test_the_shipped_services_can_all_be_loaded() -> None:
    assert discover().left_out == ()

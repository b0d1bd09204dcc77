"""A service is one declared object, whose parts are imported when they are asked for."""

import subprocess
import sys
from importlib.resources.abc import Traversable

import pytest

from postroom.installation import installed_services
from postroom.service import Service
from postroom.storage.retention import Retention
from postroom.wire.errors import ConfigurationError
from postroom.worker import Worker


@pytest.mark.parametrize("service", installed_services(), ids=lambda service: service.name)
def test_every_part_that_a_shipped_service_declares_is_there(service: Service) -> None:
    assert isinstance(service.load_worker(), Worker)
    assert callable(service.load_adapters())
    assert all(model.__name__.endswith("Settings") for model in service.load_settings())
    assert all(isinstance(rule, Retention) for rule in service.load_retention())
    assert all(callable(command.load()) for command in service.commands)
    assert all(callable(service.load_read_port(name)) for name in service.read_ports)
    folder = service.migrations_folder()
    assert folder is None or any(each.name.endswith(".py") for each in folder.iterdir())


def test_reading_declarations_imports_nothing_of_the_services() -> None:
    code = (
        "import sys; from postroom.installation import installed_services; print(len(installed_services())); "
        "print(sorted(name for name in sys.modules if name.endswith(('.handlers', '.adapters', '.settings'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == [str(len(installed_services())), "[]"]


def test_a_service_works_without_the_libraries_of_the_command_line() -> None:
    code = (
        "import sys; sys.modules['typer'] = None; from postroom.installation import installed_services\n"
        "for each in installed_services(): each.load_worker(), each.load_adapters(), each.load_settings()"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["", "Garden", "a b", "1st", "x" * 33, "a-", "a--b", "-a", "a\n"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a service cannot be called"):
        Service(name, worker="garden.handlers:worker")


def test_a_reference_that_names_nothing_is_refused_with_its_part() -> None:
    with pytest.raises(ConfigurationError, match="service garden: adapters='garden/adapters'"):
        Service("garden", worker="garden.handlers:worker", adapters="garden/adapters")


def test_an_attribute_that_is_not_there_is_named_with_its_part() -> None:
    service = Service("garden", worker="postroom.wire:no_such_worker")

    with pytest.raises(ConfigurationError, match=r"service garden: worker='postroom.wire:no_such_worker'"):
        service.load_worker()


def test_a_worker_of_another_service_is_not_taken() -> None:
    service = Service("garden", worker="postroom_email.handlers:worker")

    with pytest.raises(ConfigurationError, match=r'no worker of garden: write `worker = Worker\("garden"\)`'):
        service.load_worker()


def test_a_folder_of_migrations_that_is_not_there_is_named() -> None:
    service = Service("garden", worker="postroom_email.handlers:worker", migrations="postroom_email:no_such_folder")

    with pytest.raises(ConfigurationError, match="there is no such folder"):
        service.migrations_folder()


async def test_what_is_not_declared_is_empty() -> None:
    service = Service("garden", worker="postroom_email.handlers:worker")
    nothing: Traversable | None = service.migrations_folder()

    assert (nothing, list(service.load_settings()), list(service.load_retention())) == (None, [], [])
    async with service.load_adapters()(None) as adapters:  # type: ignore[arg-type]
        assert adapters == {}

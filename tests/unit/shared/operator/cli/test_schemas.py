from typing import ClassVar

from postroom.operator.cli.schema import contracts_of, schema_of
from postroom.wire.messages import KINDS, GenerateReport, Job, SendEmail
from postroom.worker import Worker


class WaterPlants(Job):
    """A job that only a service of somebody else knows."""

    kind: ClassVar[str] = "garden.water"

    liters: int


def test_a_contract_that_only_a_service_has_is_exported_too() -> None:
    worker = Worker("garden")

    @worker.handles(WaterPlants)
    async def water_plants(job: WaterPlants) -> None: ...

    contracts = contracts_of(list(worker.subscriptions.values()))

    assert contracts == {**KINDS, "garden.water": WaterPlants}


def test_a_schema_says_what_may_be_sent() -> None:
    schema = schema_of(SendEmail)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["to"]
    assert "from" in schema["properties"]
    assert [way["type"] for way in schema["properties"]["to"]["anyOf"]] == ["string", "array"]


def test_a_schema_has_the_names_of_the_wire() -> None:
    assert "initiatedBy" in schema_of(GenerateReport)["properties"]

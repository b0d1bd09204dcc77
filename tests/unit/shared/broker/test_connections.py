"""How connections are named, kept alive and made again."""

from urllib.parse import parse_qs, urlsplit

from postroom.broker.connection import connection_url, without_password
from postroom.runtime.consuming.consumer import make_broker

URL = "amqps://ada:s%40cret@broker:5671/my%2Fhost?heartbeat=30&cafile=%2Fca.pem"


def options(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


def test_a_connection_has_a_name_a_heartbeat_and_a_pause_of_its_own() -> None:
    found = options(connection_url("amqp://guest:guest@127.0.0.1/", "email consumes"))

    assert (found["name"], found["heartbeat"]) == ("email consumes", "10")
    assert 0.5 <= float(found["reconnect_interval"]) <= 2


def test_the_pauses_of_processes_differ() -> None:
    assert len({connection_url("amqp://127.0.0.1/", "x") for _ in range(50)}) > 5


def test_what_the_operator_wrote_holds() -> None:
    url = connection_url(URL, "x")

    assert options(url)["heartbeat"] == "30"
    assert options(url)["cafile"] == "/ca.pem"
    assert url.startswith("amqps://ada:s%40cret@broker:5671/my%2Fhost?")


def test_what_is_shown_has_no_user_no_password_and_no_options() -> None:
    assert without_password(URL) == "amqps://broker:5671/my%2Fhost"
    assert without_password("amqp://broker") == "amqp://broker"


def test_the_consuming_connection_keeps_its_own_pause() -> None:
    pauses = {make_broker("amqp://127.0.0.1/", "x")._connection_kwargs["reconnect_interval"] for _ in range(20)}

    assert len(pauses) > 5
    assert all(0.5 <= pause <= 2 for pause in pauses)

"""Where in the code an error was raised."""

import json

from postroom.broker.publishing.outgoing import NO_OPTIONS, address_json
from postroom.runtime.places import place_of


def raised(work: object) -> BaseException:
    try:
        work()  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("it raised nothing")


def fails_in_a_library() -> None:
    json.loads("{")


def test_the_place_is_the_innermost_function_of_our_own() -> None:
    assert place_of(raised(lambda: address_json("jobs", "k", b"x" * 300_000, None, NO_OPTIONS, "app"))) == (
        "postroom.broker.publishing.outgoing.address_json"
    )


def test_what_a_library_raises_has_the_place_that_called_it() -> None:
    assert place_of(raised(fails_in_a_library)) == f"{__name__}.fails_in_a_library"


def test_an_error_that_no_code_raised_has_no_place() -> None:
    assert place_of(ValueError("made, not raised")) is None

"""Asking a service: the command line knows no service from the inside."""

from typing import Any

import orjson
from pydantic import ValidationError

from postroom.installation import find_service
from postroom.service import load
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import describe_problems


def ask_service(service: str, *arguments: str, given: str = "") -> Any:
    """What the service answers.

    Raises ConfigurationError with its complaint, NoDatabase where the service never ran.
    """
    try:
        answer = load(find_service(service).answers)(arguments, given.encode())
    except ValidationError as error:
        raise ConfigurationError(describe_problems(error)) from None
    return orjson.loads(orjson.dumps(answer, default=str))

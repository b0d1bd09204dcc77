"""`postroom schema`: the contracts for programs in other languages."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from postroom.broker.topology.asyncapi import asyncapi
from postroom.installation import subscriptions
from postroom.terminal import AsJson, out, print_json
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import KINDS, Message
from postroom.worker.registration import Subscription

DIALECT = "https://json-schema.org/draft/2020-12/schema"

app = typer.Typer(no_args_is_help=True, help="JSON Schemas and the AsyncAPI document of all kinds of message.")


@app.callback()
def _group() -> None:
    """Keep `export` a command of its own, although it is the only one."""


@app.command("export")
def export_command(
    folder: Annotated[Path, typer.Argument(help="Created when it does not exist.")] = Path("schemas"),
    as_json: AsJson = False,
) -> None:
    """Write one JSON Schema per kind, and asyncapi.json beside them.

    Files depend on the contracts alone: run it again and commit, and a change of a contract shows as a change of
    a file.

    Example: `postroom schema export docs/schemas`
    """
    read = subscriptions()
    contracts = contracts_of(read)
    documents: dict[str, Mapping[str, Any]] = {
        **{f"{kind}.json": schema_of(model) for kind, model in contracts.items()},
        "asyncapi.json": asyncapi(contracts, read, version("postroom")),
    }
    written = _write(documents, folder)
    if as_json:
        print_json(written)
    else:
        out.print(f"{folder}: {len(contracts)} schemas and asyncapi.json", highlight=False)


def contracts_of(read: list[Subscription]) -> dict[str, type[Message]]:
    """The shipped contracts and those that only a service has, by kind."""
    own = {each.model.kind: each.model for each in read if each.model is not None}
    return own | KINDS


def schema_of(model: type[Message]) -> dict[str, Any]:
    """What a message of this kind has to be for a worker to take it."""
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True, mode="validation")}


def _write(documents: Mapping[str, Mapping[str, Any]], folder: Path) -> list[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in documents.items():
            text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
            (folder / name).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write to {folder}: {error.strerror}; choose another folder") from None
    return [str(folder / name) for name in documents]

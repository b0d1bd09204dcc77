"""`postroom tokens`: OAuth2 credentials that maintenance keeps fresh."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.fernet import Fernet
from pydantic import ValidationError
from rich.markup import escape

from postroom.settings import RuntimeSettings, read_settings
from postroom.storage.tokens import Credential, TokenVault
from postroom.terminal import AsJson, ExitCode, out, print_json, print_table
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import describe_problems

app = typer.Typer(
    no_args_is_help=True, help="OAuth2 credentials, encrypted in the data folder; maintenance refreshes them."
)


@app.command("key")
def key_command() -> None:
    """Make a key for POSTROOM_TOKEN_KEY. Keep it with your other secrets: without it no credential can be read.

    Example: `postroom tokens key`
    """
    typer.echo(Fernet.generate_key().decode())


@app.command("set")
def set_command(
    name: Annotated[str, typer.Argument(help="Your name for it, as `google`.")],
    file: Annotated[Path, typer.Argument(help="The credential as JSON; `-` for standard input.")],
) -> None:
    """Store a credential: a JSON object with `token_url`, `client_id`, `client_secret` and `refresh_token`, and `scope`
    where the provider wants one.

    Example: `postroom tokens set google google.json`
    """
    try:
        content = typer.get_binary_stream("stdin").read() if str(file) == "-" else file.read_bytes()
        credential = Credential.model_validate_json(content)
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None
    except ValidationError as error:
        raise ConfigurationError(f"the credential: {describe_problems(error)}") from None
    _vault().write(name, credential)
    out.print(f"[bold]{escape(name)}[/] is stored; the next maintenance.refresh-tokens gets its first access token")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the credentials, without secrets. Exit code 1: an access token has run out.

    Example: `postroom tokens list`
    """
    vault = _vault()
    found = [(name, vault.read(name)) for name in vault.names()]
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "provider": each.token_url,
            "client": each.client_id,
            "good_until": each.expires_at.isoformat() if each.access_token else None,
        }
        for name, each in found
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("name", "provider", "client", "good until"),
            [tuple(escape(value or "not refreshed yet") for value in row.values()) for row in rows],
        )
    if any(each.expires_at < datetime.now(UTC) for _, each in found):
        raise typer.Exit(ExitCode.PROBLEMS)


def _vault() -> TokenVault:
    return TokenVault.from_settings(read_settings(RuntimeSettings))

"""`zhike keys`: API keys for programs."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ui.api_keys import DAYS
from ui.commands.accounts import opened_team, terminal
from ui.commands.opening import as_json
from ui.roles import KEY_SCOPES


@click.group()
def keys() -> None:
    """Keys for programs that use the API: list, add, revoke."""


@keys.command(name="list")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def list_(json_: bool) -> None:
    """All keys with what they may do; the keys themselves are stored nowhere."""
    now = datetime.now(UTC)
    with opened_team() as team:
        found = team.keys.all()
    if json_:
        as_json(
            [
                {
                    "id": key.id,
                    "name": key.name,
                    "scopes": sorted(key.scopes),
                    "account": key.owner or None,
                    "state": key.state(now),
                    "created": key.created,
                    "expires": key.expires,
                    "used": key.used,
                }
                for key in found
            ]
        )
        return
    if not found:
        click.echo("No keys yet. Make one: zhike keys add NAME --scope knowledge:read")
    for key in found:
        until = (key.expires or "never ends")[:10]
        scopes = ", ".join(sorted(key.scopes))
        click.echo(f"{key.id}  {key.state(now):<8} {until}  {key.name:<20} {scopes}")


@keys.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True,
              type=click.Choice([scope.value for scope in KEY_SCOPES]),
              help="What it may do; may be given several times.")  # fmt: skip
@click.option("--days", type=click.IntRange(0, 3650), default=DAYS, show_default=True,
              help="How long it is valid; 0 is for ever.")  # fmt: skip
@click.option("--account", default="", help="It never may more than this account.")
def add(name: str, scopes: tuple[str, ...], days: int, account: str) -> None:
    """Make a key called NAME; it is shown this once."""
    with opened_team() as team:
        key = team.keys.add(name, scopes, terminal(), owner=account, days=days or None)
    click.echo(key)


@keys.command()
@click.argument("id")
def revoke(id: str) -> None:
    """End the key with this ID, from the next call on."""
    with opened_team() as team:
        team.keys.revoke(id, terminal())
    click.echo(f"revoked    {id}")

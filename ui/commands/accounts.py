"""`zhike accounts`: who may log in to the desk, and as what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from knowledge.database import Database
from ui import settings
from ui.commands.documents import person
from ui.commands.opening import as_json
from ui.roles import Role
from ui.team import Team

ROLE = click.Choice([role.value for role in Role])


@contextmanager
def opened_team() -> Iterator[Team]:
    """The accounts and keys of the home, without models."""
    database = Database(settings.load().home / "zhike.db")
    try:
        yield Team.of(database)
    finally:
        database.close()


def terminal() -> str:
    """Who works here, as the audit log has it."""
    return f"terminal:{person()}"


@click.group()
def accounts() -> None:
    """Staff: invite, change the role, disable. Changes count from the next call on."""


@accounts.command(name="list")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def list_(json_: bool) -> None:
    """The accounts, and the invitations that nobody used yet."""
    with opened_team() as team:
        people, invited = team.accounts.all(), team.invites.all()
    rows = [
        {"name": s.name, "role": s.role.value, "state": "disabled" if s.disabled else "active"}
        for s in people
    ]
    names = {s.name for s in people}
    rows += [
        {"name": i.name, "role": i.role.value, "state": "invited"}
        for i in invited
        if i.name not in names
    ]
    if json_:
        as_json(rows)
        return
    if not rows:
        click.echo("No accounts yet. Start the server; it prints a token for the first one.")
    for row in rows:
        click.echo(f"{row['name']:<24} {row['role']:<8} {row['state']}")


@accounts.command()
@click.argument("name")
@click.option("--role", type=ROLE, default=Role.AGENT.value, show_default=True)
@click.option("--url", help="Address of the server. Default: as in the settings.")
def invite(name: str, role: str, url: str | None) -> None:
    """Make a link with which NAME chooses a password; it works once, for 72 hours.

    For a name that has an account already, it sets a new password and the role stays.
    """
    server = settings.load().server
    base = (url or f"http://{server.host}:{server.port}").rstrip("/")
    with opened_team() as team:
        token = team.invites.invite(name, Role(role), terminal())
    click.echo(f"{base}/desk/invite?token={token}")


@accounts.command()
@click.argument("name")
@click.argument("role", type=ROLE)
def role(name: str, role: str) -> None:
    """Give NAME another ROLE."""
    with opened_team() as team:
        team.accounts.set_role(name, Role(role), terminal())
    click.echo(f"changed    {name} is {role}")


@accounts.command()
@click.argument("name")
def disable(name: str) -> None:
    """End all sessions of NAME; neither log-in nor keys work any more."""
    with opened_team() as team:
        team.accounts.disable(name, terminal())
    click.echo(f"disabled   {name}")


@accounts.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let NAME log in again."""
    with opened_team() as team:
        team.accounts.enable(name, terminal())
    click.echo(f"enabled    {name}")

"""`zhike audit`: who did what, and whether the log is whole."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from ui.commands.accounts import opened_team
from ui.commands.opening import as_json


@click.group()
def audit() -> None:
    """The audit log: rows are appended and sealed, never changed."""


@audit.command(name="list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--actor", default="", help="An account, key:NAME or terminal:NAME.")
@click.option("--action", default="", help="How the action begins, such as key.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def list_(limit: int, actor: str, action: str, json_: bool) -> None:
    """The latest rows, newest first."""
    with opened_team() as team:
        found = team.accounts.audit.entries(limit, actor=actor, action=action)
    if json_:
        as_json([asdict(entry) for entry in found])
        return
    for entry in found:
        who = entry.actor or "-"
        click.echo(f"{entry.number:>6}  {entry.at[:19]}  {who:<20} {entry.action}  {entry.object}")


@audit.command()
@click.option("--head", "known", default="", help="A seal that was printed before.")
def verify(known: str) -> None:
    """Whether no row was changed, removed or put in between; exit status 1 otherwise.

    Keep the seal that it prints somewhere else: given as --head later, it proves that the log
    was not made anew from its beginning.
    """
    with opened_team() as team:
        found, head = team.accounts.audit.problems(known), team.accounts.audit.head()
    for problem in found:
        click.secho(problem, fg="red", err=True)
    if found:
        sys.exit(1)
    click.echo(f"whole      last seal {head}")

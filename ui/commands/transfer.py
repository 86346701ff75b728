"""`zhike knowledge export`, `import`, `check`: documents between homes, and their integrity."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from knowledge.database import Database
from knowledge.errors import NotFound
from knowledge.integrity import problems
from ui.commands.documents import person
from ui.commands.opening import opened
from ui.settings import load


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--collection", help="Only this one.")
def export(target: Path, collection: str | None) -> None:
    """Write all documents as Markdown into the folder TARGET, or the file TARGET.zip.

    With their states and dates, and the approved answers as a table; without versions before
    the current one and without drafts of published documents.
    """
    with opened() as (app, _):
        count = app.knowledge.export(target, collection)
    click.echo(f"exported   {count} documents to {target}")


@click.command(name="import")
@click.argument("source", type=click.Path(path_type=Path))
def import_(source: Path) -> None:
    """Add the documents of an export to this home, with their states and dates.

    What is stored when it is interrupted stays; the same again goes on.
    """
    with opened(samples=False) as (app, _):
        for ingested in app.knowledge.take(source, person()):
            click.echo(f"{ingested.status:10} {ingested.document} ({ingested.chunks} chunks)")


@click.command()
def check() -> None:
    """Check that texts, vectors, keywords, versions and index are whole and agree.

    One line per problem, with what repairs it; then the exit status is 1.
    """
    home = load().home
    path = home / "zhike.db"
    if not path.exists():
        raise NotFound(f"{path}: there is no database to check. Set ZHIKE_HOME, or add a document.")
    database = Database(path)
    try:
        found = list(problems(database, home / "index"))
    finally:
        database.close()
    for problem in found:
        click.secho(f"problem    {problem}", fg="red", err=True)
    if found:
        sys.exit(1)
    click.secho("all well", fg="green")


COMMANDS = (export, import_, check)

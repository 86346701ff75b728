"""`zhike visitors`: what is stored of one visitor, exported or erased."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from chatbot.errors import ChatbotError
from ui import identity
from ui.commands.opening import opened
from ui.settings import Settings

VISITOR = re.compile(r"[0-9a-f]{32}")
USER = click.option("--user", is_flag=True, help="ID is the shop's own id of a signed-in customer.")


@click.group()
def visitors() -> None:
    """What is stored of one visitor: the conversations with everything that hangs on them.

    ID is the visitor's: 32 hexadecimal digits, as the desk and an export show them.
    """


@visitors.command()
@click.argument("id")
@USER
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Else printed.")
def export(id: str, user: bool, output: Path | None) -> None:
    """Everything that is stored of the visitor ID, as JSON."""
    with opened(samples=False) as (app, settings):
        visitor = _visitor(id, user, settings)
        found = app.erasure.export(visitor)
    if not found["conversations"]:
        raise ChatbotError(f"Nothing is stored of the visitor {visitor!r}.")
    text = json.dumps(found, ensure_ascii=False, indent=2)
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ChatbotError(f"{output}: cannot be written ({error.strerror}).") from error
    click.echo(f"written    {output}")


@visitors.command()
@click.argument("id")
@USER
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(id: str, user: bool, yes: bool) -> None:
    """Erase everything that is stored of the visitor ID, for good.

    The database file is written anew, so that no byte stays; backups are not touched.
    """
    with opened(samples=False) as (app, settings):
        visitor = _visitor(id, user, settings)
        count = len(app.erasure.sessions(visitor))
        if not yes:
            click.confirm(f"Erase {count} conversations of {visitor} for good?", abort=True)
        gone = app.erasure.erase(visitor)
    click.echo(f"erased     {gone.sessions} conversations, {gone.rows} rows")


def _visitor(id_: str, user: bool, settings: Settings) -> str:
    if user:
        return identity.visitor_id(identity.secret(settings.home), id_)
    if not VISITOR.fullmatch(id_):
        raise ChatbotError(f"{id_!r} is no visitor's id: that has 32 hexadecimal digits.")
    return id_

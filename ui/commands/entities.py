"""`zhike entities`: the team's own products and places, found in what customers write."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

import click

from chatbot.listed_names import FILE, KINDS, ListedNames
from chatbot.name_finder import Kind
from ui import settings
from ui.commands.opening import as_json


@click.group()
def entities() -> None:
    """List products and places by name; staff see which of them a conversation is about.

    \b
    zhike entities add product "K2 Yun Pro" --also K2 --also "K2 云 Pro"
    zhike entities test "my k2 yun pro leaks"
    """


def _names() -> ListedNames:
    return ListedNames(settings.load().home / FILE)


@entities.command(name="list")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def list_(json_: bool) -> None:
    """The names with their other spellings."""
    names = _names()
    found = names.all()
    if json_:
        as_json([asdict(name) for name in found])
        return
    for name in found:
        also = f"  also: {', '.join(name.also)}" if name.also else ""
        click.echo(f"{name.kind:<8} {name.name}{also}")
    if not found:
        click.echo('No names yet. Add one: zhike entities add product "NAME" --also "SPELLING"')
    else:
        click.secho(f"{len(found)} names in {names.path}", dim=True)


@entities.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option("--also", multiple=True, help="Another spelling; may be given several times.")
def add(kind: str, name: str, also: tuple[str, ...]) -> None:
    """Put NAME on the list, or more spellings of it; works from the next turn on."""
    added = _names().add(cast(Kind, kind), name, also)
    click.echo(f"{', '.join((added.name, *added.also))}: found from the next turn on.")


@entities.command()
@click.argument("name")
def remove(name: str) -> None:
    """Take NAME off the list with all its spellings."""
    click.echo(f"{_names().remove(name).name}: no longer listed.")


@entities.command()
@click.argument("text")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def test(text: str, json_: bool) -> None:
    """Which names are found in TEXT; nothing is stored."""
    names = _names()
    names.all()  # a bad file is an error here
    found = names.found(text)
    if json_:
        rows = ({"start": f.start, "end": f.end, "text": f.text, "exact": f.exact} for f in found)
        both = zip(rows, found, strict=True)
        as_json([row | {"kind": f.name.kind, "name": f.name.name} for row, f in both])
        return
    for one in found:
        how = "" if one.exact else f", read from {one.text!r}"
        click.echo(f"{one.name.kind:<8} {one.name.name}{how}")
    if not found:
        click.echo("None of the listed names is found.")

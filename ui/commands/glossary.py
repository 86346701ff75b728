"""`zhike knowledge glossary`: words that mean the same in this business."""

from __future__ import annotations

import click

from ui.commands.opening import as_json, opened


@click.group()
def glossary() -> None:
    """Words that mean the same: whoever asks for one also finds the others."""


@glossary.command(name="list")
@click.option("--collection", help="Only this one.")
@click.option("--json", "json_", is_flag=True)
def list_(collection: str | None, json_: bool) -> None:
    """The entries, each a line of terms that mean the same."""
    with opened() as (app, _):
        entries = app.knowledge.glossary.entries(collection)
    if json_:
        as_json([{"collection": e.collection, "terms": list(e.terms)} for e in entries])
        return
    for entry in entries:
        click.echo(f"{entry.collection}  {' = '.join(entry.terms)}")


@glossary.command()
@click.argument("terms", nargs=-1, required=True)
@click.option("--collection", default="default", show_default=True)
def add(terms: tuple[str, ...], collection: str) -> None:
    """Say that TERMS mean the same, in any language; works from the next question on."""
    with opened() as (app, _):
        entry = app.knowledge.glossary.add(terms, collection)
    click.echo(f"added      {' = '.join(entry.terms)}")


@glossary.command()
@click.argument("term")
@click.option("--collection", default="default", show_default=True)
def remove(term: str, collection: str) -> None:
    """Take TERM out of its entry; an entry with one term left goes as well."""
    with opened() as (app, _):
        app.knowledge.glossary.remove(term, collection)
    click.echo(f"removed    {term}")

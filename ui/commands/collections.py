"""`zhike knowledge collections`: which there are, and which ask for review."""

from __future__ import annotations

import click

from knowledge.errors import NotFound
from ui.commands.opening import as_json, opened


@click.group(invoke_without_command=True)
@click.option("--json", "json_", is_flag=True)
@click.pass_context
def collections(context: click.Context, json_: bool) -> None:
    """The collections with their documents, and whether they ask for review."""
    if context.invoked_subcommand:
        return
    with opened() as (app, _):
        found = app.knowledge.collections()
    if json_:
        as_json([{"name": c.name, "documents": c.documents, "review": c.review} for c in found])
        return
    for c in found:
        click.echo(f"{c.name}  {c.documents} documents{'  review' if c.review else ''}")


@collections.command(name="set")
@click.argument("name")
@click.option("--review", type=click.Choice(["on", "off"]), required=True)
def set_(name: str, review: str) -> None:
    """Whether what is added to the collection NAME is a draft until it is published.

    NAME may be a collection that has no documents yet.
    """
    if not name.strip():
        raise NotFound("A collection needs a name.")
    with opened() as (app, _):
        app.knowledge.review(name, on=review == "on")
    click.echo(f"review {review:3} {name}")

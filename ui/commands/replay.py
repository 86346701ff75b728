"""`zhike replay`: a stored reply made again from what was stored with it."""

from __future__ import annotations

import click

from chatbot.replay import Engine, Made
from chatbot.replay import replay as replayed
from ui.commands.ask import LOADING_SECONDS
from ui.commands.opening import as_json, opened


@click.command()
@click.argument("reply_id")
@click.option("--anew", is_flag=True, help="Search today's documents, too.")
@click.option(
    "--engine", type=click.Choice(["quote", "generate"]), help="Who writes; else who wrote."
)
@click.option("--json", "json_", is_flag=True, help="For programs.")
def replay(reply_id: str, anew: bool, engine: Engine | None, json_: bool) -> None:
    """Make the reply REPLY_ID again with today's code, weights and floors, and show what differs.

    \b
    zhike ask "Can I return opened tea?" --json    # prints the reply_id
    zhike replay 5f0c… --anew
    """
    with opened() as (app, _):
        if app.generator and engine == "generate":
            app.generator.start()
            app.generator.wait(LOADING_SECONDS)
        found = replayed(app, reply_id, anew=anew, engine=engine)
    if json_:
        as_json(found.table())
        return
    click.echo(f"question   {found.question}")
    for _, document, there in found.passages:
        click.secho(f"passage    {document if there else 'changed or removed'}", dim=True)
    _show("stored", found.stored)
    _show("again", found.again)
    for difference in found.differences:
        click.secho(f"differs    {difference}", fg="yellow")
    if not found.differences:
        click.echo("same       nothing differs")


def _show(name: str, made: Made) -> None:
    click.echo(f"{name:<10} {made.action}, {made.engine}, confidence {made.confidence:.2f}")
    if made.text:
        click.echo(f"           {made.text}")

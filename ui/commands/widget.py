"""`zhike widget`: the line for the website, and signatures of signed-in customers."""

from __future__ import annotations

import click

from ui import identity
from ui.settings import load


@click.group()
def widget() -> None:
    """The chat for any website."""


@widget.command()
@click.option("--server", help="Address of this server as the website's visitors reach it.")
@click.option("--color", default="#0f6b62", show_default=True, help="Theme colour, #rrggbb.")
def tag(server: str | None, color: str) -> None:
    """Print the line that puts the chat on a website, and whether the site may show it."""
    settings = load()
    here = server or f"http://{settings.server.host}:{settings.server.port}"
    click.echo(f'<script src="{here.rstrip("/")}/widget.js" data-color="{color}" defer></script>')
    sites = ", ".join(settings.server.public_origins) or "none: set server.public_origins"
    click.echo(f"sites that may show it: {sites}", err=True)


@widget.command()
@click.argument("user")
def sign(user: str) -> None:
    """The signature of the shop's own id USER, to test with; a shop's server makes it itself.

    data-user-hash is HMAC-SHA256 of data-user under the key in ZHIKE_HOME/widget.secret, hex.
    """
    settings = load()
    settings.home.mkdir(parents=True, exist_ok=True)
    click.echo(identity.signature(identity.secret(settings.home), user))

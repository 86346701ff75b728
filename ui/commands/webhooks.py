"""`zhike webhooks`: which programs are told of events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from ui import settings
from ui.commands.accounts import opened_team, terminal
from ui.commands.opening import as_json
from ui.webhooks.events import Event
from ui.webhooks.store import STATES, State, Webhooks


@contextmanager
def _opened() -> Iterator[tuple[Webhooks, bool]]:
    """The webhooks, and whether this machine may be one."""
    with opened_team() as team:
        yield team.webhooks, settings.load().server.webhook_loopback


@click.group()
def webhooks() -> None:
    """Programs that are told of events, signed; the running server sends."""


@webhooks.command(name="list")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def list_(json_: bool) -> None:
    """All webhooks, with what waits, was sent and was given up."""
    with _opened() as (hooks, _):
        found = hooks.all()
    if json_:
        as_json([asdict(hook) for hook in found])
        return
    if not found:
        click.echo("No webhooks yet. Make one: zhike webhooks add https://shop.example/zhike")
    for hook in found:
        paused = "paused, " if hook.paused else ""
        counts = f"{paused}{hook.waiting} waiting, {hook.sent} sent, {hook.dead} given up"
        click.echo(f"{hook.id}  {counts}  {hook.url}  {', '.join(hook.events)}")


@webhooks.command()
@click.argument("url")
@click.option("--event", "events", multiple=True, type=click.Choice([e.value for e in Event]),
              help="What it is told; may be given several times. Default: everything.")  # fmt: skip
@click.option("--json", "json_", is_flag=True, help="For programs.")
def add(url: str, events: tuple[str, ...], json_: bool) -> None:
    """Tell URL of events; prints the secret with which it checks signatures this once."""
    with _opened() as (hooks, loopback):
        hook, secret = hooks.add(url, events, terminal(), loopback=loopback)
    if json_:
        as_json(asdict(hook) | {"secret": secret})
        return
    click.echo(f"added      {hook.id}  {', '.join(hook.events)}\nsecret     {secret}")


@webhooks.command()
@click.argument("id")
def remove(id: str) -> None:
    """Tell the webhook with this ID nothing more, not even what waits."""
    with _opened() as (hooks, _):
        hooks.remove(id, terminal())
    click.echo(f"removed    {id}")


@webhooks.command()
@click.argument("id")
def pause(id: str) -> None:
    """Send nothing to the webhook with this ID for now; what happens meanwhile waits."""
    with _opened() as (hooks, _):
        hooks.pause(id, terminal(), on=True)
    click.echo(f"paused     {id}")


@webhooks.command()
@click.argument("id")
def resume(id: str) -> None:
    """Send to the webhook with this ID again, first what waited."""
    with _opened() as (hooks, _):
        hooks.pause(id, terminal(), on=False)
    click.echo(f"resumed    {id}")


@webhooks.command()
@click.argument("id")
def test(id: str) -> None:
    """Send the event webhook.test to ID now, once; exit status 1 if it was not taken."""
    with _opened() as (hooks, loopback):
        outcome = hooks.test(id, loopback=loopback)
    if not outcome.taken:
        click.secho(f"failed     {outcome.error}", fg="red", err=True)
        sys.exit(1)
    click.echo(f"taken      status {outcome.status}")


@webhooks.command()
@click.argument("id")
@click.option("--state", type=click.Choice(STATES), help="Such as dead: given up.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--json", "json_", is_flag=True, help="For programs.")
def deliveries(id: str, state: State | None, limit: int, json_: bool) -> None:
    """What was, will be or could not be sent to the webhook ID, the latest first."""
    with _opened() as (hooks, _):
        found = [delivery for _, delivery in hooks.deliveries(id, state, limit)]
    if json_:
        as_json([asdict(delivery) for delivery in found])
        return
    for one in found:
        tries = f"{one.tries} tries"
        click.echo(
            f"{one.id}  {one.created[:19]}  {one.state:<7} {tries}  {one.event}  {one.error}"
        )


@webhooks.command()
@click.argument("id")
def retry(id: str) -> None:
    """Send again what was given up for the webhook ID."""
    with _opened() as (hooks, _):
        count = hooks.retry(id, terminal())
    click.echo(f"waiting    {count}")

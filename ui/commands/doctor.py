"""`zhike doctor`: is everything in place, and if not, what to do."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys

import click

from chatbot import models
from chatbot.app import App
from knowledge.database import VERSION, check_version
from knowledge.errors import KnowledgeError
from knowledge.load import LimitedLoader
from ui.commands.opening import opened
from ui.settings import Settings

ANSWERS = 20  # seconds for the model server to say a word
FLOORS = {"gradio": "6.20", "torch": "2.10", "pypdf": "6.10.2", "sqlite-utils": "4.2"}


@click.command()
def doctor() -> None:
    """Check versions, models, the database and the index; exit status 1 if something is wrong."""
    problems: list[str] = []
    problems += _packages()
    with opened(samples=False) as (app, settings):
        problems += _models(settings)
        status = app.knowledge.status()
        click.echo(f"home       {settings.home}")
        click.echo(f"documents  {status.documents}, {status.chunks} chunks, index {status.state}")
        with LimitedLoader(1) as loader:
            click.echo(f"reading    files in a process without network ({loader.network()})")
        free = shutil.disk_usage(settings.home).free / 2**30
        click.echo(f"disk       {free:.1f} GB free")
        problems += [*_server(app, settings), *app.problems, *app.lists()]
    for problem in problems:
        click.secho(f"problem    {problem}", fg="red", err=True)
    if problems:
        sys.exit(1)
    click.secho("all well", fg="green")


def _packages() -> list[str]:
    problems = [
        f"{name} {importlib.metadata.version(name)} is older than {floor}. Run `make serve` again."
        for name, floor in FLOORS.items()
        if _number(importlib.metadata.version(name)) < _number(floor)
    ]
    names = {d.metadata["Name"] for d in importlib.metadata.distributions()}
    faiss = sorted(names & {"faiss-cpu", "faiss-gpu"})
    if len(faiss) != 1:
        problems.append(
            f"faiss is installed {len(faiss)} times ({', '.join(faiss) or 'not at all'}). Install "
            "exactly one of zhike[cpu] and zhike[gpu]."
        )
    try:
        check_version()
    except KnowledgeError as error:
        problems.append(str(error))
    click.echo(f"python     {sys.version.split()[0]}, SQLite {VERSION}")
    return problems


def _models(settings: Settings) -> list[str]:
    problems = []
    for info in models.catalogue():
        state = models.state(settings.models, info.name)
        click.echo(f"model      {info.name}: {state.status}")
        if state.status != "ready":
            problems.append(f"{info.name}: {state.reason} Run `zhike models pull`.")
    return problems


def _server(app: App, settings: Settings) -> list[str]:
    """Whether the server that writes answers can be reached."""
    if app.generator is None or not settings.chatbot.generator_url:
        return []
    app.generator.start()
    reached = app.generator.wait(ANSWERS)
    click.echo(f"generator  {settings.chatbot.generator_url}: {app.generator.status}")
    return [] if reached else [f"{app.generator.status}. Answers are quoted meanwhile."]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+")[0].split(".") if part.isdigit())

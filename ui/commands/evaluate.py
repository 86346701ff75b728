"""`zhike evaluate`: measure, on labelled data, what customers would get."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from tqdm import tqdm

from chatbot import evaluate as scoring
from chatbot.app import App, build
from chatbot.errors import ChatbotError
from ui.commands.ask import ready_generator
from ui.commands.opening import as_json, opened
from ui.settings import load


@click.group()
def evaluate() -> None:
    """Score answers on labelled questions, in a throw-away copy of the home."""


@evaluate.command()
@click.option("--golden", required=True, type=click.Path(path_type=Path), help="JSONL file.")
@click.option(
    "--knowledge",
    "folder",
    type=click.Path(path_type=Path),
    help="Answer from this folder instead of the home's documents.",
)
@click.option("--json", "json_", is_flag=True)
def answers(golden: Path, folder: Path | None, json_: bool) -> None:
    """Answered rightly, abstained rightly, supported: per language, with the worst cases."""
    questions = scoring.read(golden)
    with _throw_away(folder) as app:
        ready_generator(app)
        shown = tqdm(questions, unit="question", disable=None)
        outcomes = [scoring.ask(app, question) for question in shown]
    report = scoring.summary(outcomes)
    if json_:
        as_json(report)
    else:
        _show(report)


@contextmanager
def _throw_away(folder: Path | None) -> Iterator[App]:
    """An App on a copy of the home, or on a new home with the folder's documents."""
    if folder is not None and not folder.exists():
        raise ChatbotError(f"{folder}: there is no such folder of documents.")
    settings = load()
    with tempfile.TemporaryDirectory(prefix="zhike-evaluate-") as temporary:
        home = Path(temporary)
        if folder is None:
            with opened() as (app, _):
                app.database.backup(home / "zhike.db")
            own = settings.home / "evidence.npz"
            if own.exists():
                shutil.copy(own, home)
        app = build(home, settings.models, settings.knowledge, settings.chatbot)
        try:
            if folder is not None:
                _fill(app, folder)
            yield app
        finally:
            app.close()


def _fill(app: App, folder: Path) -> None:
    for ingested in app.knowledge.add([folder]):
        if ingested.error:
            click.secho(ingested.error, fg="red", err=True)
    if not app.knowledge.documents():
        raise ChatbotError(f"{folder}: no document could be read there.")
    app.prepare()


def _show(report: dict[str, object]) -> None:
    for language, shares in report["by_language"].items():  # type: ignore[attr-defined]
        click.secho(language, bold=True)
        for name, value in shares.items():
            click.echo(f"  {name:30} {value}")
    click.secho("confusion", bold=True)
    for name, row in report["confusion"].items():  # type: ignore[attr-defined]
        click.echo(f"  {name:14} " + ", ".join(f"{k}: {v}" for k, v in row.items()))
    click.echo(f"median reply {report['median_characters']} characters, p50 {report['p50_ms']} ms")
    click.secho("worst", bold=True)
    for case in report["worst"]:  # type: ignore[attr-defined]
        click.echo(f"  {case['id']} ({case['action']}, {case['confidence']}) {case['question']}")
        click.secho(f"    {case['reply']}", dim=True)
        click.secho(f"    wanted {case['wanted']} of {case['documents']}", dim=True)

"""`zhike knowledge`: documents in, out and searched."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from chatbot import evaluate
from chatbot.app import App
from knowledge import calibrate as fitting
from knowledge import weights
from knowledge.types import Ingested, Passage, Vectors
from ui.commands import collections, transfer
from ui.commands import documents as documents_
from ui.commands.documents import DEFAULT, person
from ui.commands.glossary import glossary
from ui.commands.opening import as_json, opened
from ui.commands.search import search


@click.group()
def knowledge() -> None:
    """Add, list, remove and search documents."""


for command in (*documents_.COMMANDS, *transfer.COMMANDS, collections.collections):
    knowledge.add_command(command)
knowledge.add_command(search)
knowledge.add_command(glossary)


@knowledge.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--collection", default=DEFAULT, help="Product line the documents belong to.")
@click.option("--draft", is_flag=True, help="They wait for publish, whatever the collection asks.")
@click.option("--json", "json_", is_flag=True, help="One object per file.")
def add(paths: tuple[Path, ...], collection: str, draft: bool, json_: bool) -> None:
    """Add files, or folders with all that is in them.

    Exit status 1 if any file failed; the others are kept.
    """
    done: list[Ingested] = []
    with opened() as (app, _):
        for ingested in app.knowledge.add(paths, collection, origin=person(), draft=draft):
            done.append(ingested)
            if ingested.error or not json_:
                _tell(ingested)
        _prepare(app, collection, done)
    if json_:
        as_json([_row(i) for i in done])
    if any(i.status == "failed" for i in done):
        sys.exit(1)


def _prepare(app: App, collection: str, done: list[Ingested]) -> None:
    """Embed the sentences of what was added, so that the first question need not wait."""
    names = {i.document for i in done if i.status == "added"}
    for document in app.knowledge.documents(collection):
        if document.path in names:
            app.scorer.prepare(app.knowledge.chunks(document.id))


def _tell(ingested: Ingested) -> None:
    if ingested.error:
        click.secho(f"failed     {ingested.error}", fg="red", err=True)
        return
    draft = ", a draft until it is published" if ingested.draft else ""
    click.echo(f"{ingested.status:10} {ingested.document} ({ingested.chunks} chunks{draft})")
    for warning in ingested.warnings:
        click.secho(f"           {warning}", fg="yellow", err=True)


def _row(ingested: Ingested) -> dict[str, object]:
    return {
        "document": ingested.document,
        "status": ingested.status,
        "chunks": ingested.chunks,
        "seconds": round(ingested.seconds, 3),
        "error": ingested.error,
        "draft": ingested.draft,
        "warnings": list(ingested.warnings),
        **documents_.report(ingested.report),
    }


@knowledge.command(name="list")
@click.option("--collection", help="Only this one.")
@click.option("--json", "json_", is_flag=True)
def list_(collection: str | None, json_: bool) -> None:
    """The documents with their languages and chunks."""
    with opened() as (app, _):
        documents = app.knowledge.documents(collection)
    if json_:
        as_json([documents_.row(d) for d in documents])
        return
    for d in documents:
        state = "" if d.found else f"  {documents_.why_hidden(d)}"
        click.echo(f"{d.collection}/{d.path}  {d.language}  {d.chunks} chunks  {d.title}{state}")


@knowledge.command()
@click.argument("document")
@click.option("--collection", default=DEFAULT)
def remove(document: str, collection: str) -> None:
    """Remove DOCUMENT (its path or id) with all versions; it cannot be found from now on."""
    with opened() as (app, _):
        app.knowledge.remove(document, collection)
    click.echo(f"removed    {document}")


@knowledge.command()
def rebuild() -> None:
    """Make keywords, missing vectors and the index anew from the texts in the database."""
    with opened() as (app, _):
        click.echo(f"rebuilt    {app.knowledge.rebuild()} vectors")


@knowledge.command()
@click.option(
    "--questions",
    type=click.Path(path_type=Path),
    required=True,
    help="Labelled questions, in the form of a golden file.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Instead of the home's own.")
def calibrate(questions: Path, output: Path | None) -> None:
    """Fit on QUESTIONS when passages count as an answer, for this home's documents."""
    rows = evaluate.read(questions)
    with opened() as (app, settings):
        embedder = app.assistant.embedder
        labelled = evaluate.labelled(rows, app.knowledge.spelling)

        def found(one: fitting.Labelled) -> tuple[Vectors, list[Passage]]:
            own = embedder.queries([one.question])
            vector = embedder.queries([one.query]) if one.context else own
            return vector, app.knowledge.search(one.question, vector=own, before=one.before)

        fitted, reports = fitting.fit(labelled, app.scorer, embedder.name, found)
        target = output or settings.home / "evidence.npz"
        weights.save(fitted, target)
    for report in reports:
        click.echo(
            f"{report.language:4} {report.questions} questions, held out: AUROC {report.auroc}, "
            f"answered {report.answered}, abstained {report.abstained}, "
            f"best sentence right {report.best_sentence}"
        )
    click.echo(f"written    {target}")

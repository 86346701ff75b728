"""`zhike knowledge show`, `publish`, `history` …: the life of one document."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from chatbot.app import App
from knowledge.types import Document, Report
from knowledge.versions import Version
from ui.commands.opening import as_json, opened

DEFAULT = "default"


def person() -> str:
    """Who works at this terminal, for the history; "" where the system does not tell."""
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def row(d: Document) -> dict[str, object]:
    """What `list --json` and `show --json` print of a document."""
    return {
        "id": d.id,
        "collection": d.collection,
        "document": d.path,
        "title": d.title,
        "language": d.language,
        "chunks": d.chunks,
        "faqs": d.faqs,
        "size": d.size,
        "added": d.added,
        "state": d.state,
        "found": d.found,
        "valid_from": d.valid_from,
        "valid_until": d.valid_until,
        "version": d.version,
        "draft": d.draft,
        "warnings": list(d.warnings),
        **report(d.report),
    }


def report(r: Report) -> dict[str, int]:
    """How much of a file was read, as the commands with `--json` print it."""
    return {
        "bytes": r.bytes,
        "characters": r.characters,
        "pages": r.pages,
        "pages_without_text": r.empty_pages,
    }


def why_hidden(d: Document) -> str:
    """Why no search finds the document, or "found"."""
    if d.found:
        return "found"
    return d.state if d.state != "published" else f"not valid today ({_validity(d)})"


def _validity(d: Document) -> str:
    parts = (f"from {d.valid_from}" if d.valid_from else "", d.valid_until)
    return " ".join(filter(None, (parts[0], f"until {parts[1]}" if parts[1] else ""))) or "always"


def _document(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument DOCUMENT and the collection that it is looked for in."""
    command = click.option(
        "--collection", default=DEFAULT, help="Where a path is looked for; an id needs none."
    )(command)
    return click.argument("document")(command)


@click.command()
@_document
@click.option("--json", "json_", is_flag=True)
def show(document: str, collection: str, json_: bool) -> None:
    """What is known of DOCUMENT (its path or id): state, dates, warnings, versions."""
    with opened() as (app, _):
        d = app.knowledge.find(document, collection)
        versions = app.knowledge.history(d.id)
    if json_:
        shown = {**row(d), "sha256": d.sha256}
        as_json({**shown, "versions": [_version(v) for v in versions]})
        return
    click.secho(f"{d.collection}/{d.path}", bold=True)
    for name, value in (
        ("id", d.id),
        ("title", d.title),
        ("language", d.language),
        ("state", f"{d.state}, {why_hidden(d)}" if d.state == "published" else d.state),
        ("valid", _validity(d)),
        ("chunks", f"{d.chunks}, {d.faqs} approved answers"),
        ("file", f"{d.size} bytes, SHA-256 {d.sha256}"),
    ):
        click.echo(f"{name:10} {value}")
    for warning in d.warnings:
        click.secho(f"warning    {warning}", fg="yellow")
    _tell(versions)


@click.command()
@_document
@click.option("--json", "json_", is_flag=True)
def chunks(document: str, collection: str, json_: bool) -> None:
    """The passages of DOCUMENT in reading order."""
    with opened() as (app, _):
        found = app.knowledge.chunks(app.knowledge.find(document, collection).id)
    if json_:
        as_json(
            [
                {
                    "id": p.id,
                    "heading": p.heading,
                    "text": p.text,
                    "kind": p.kind,
                    "page": p.page,
                    "language": p.language,
                }
                for p in found
            ]
        )
        return
    for number, p in enumerate(found, 1):
        page = f"  page {p.page}" if p.page else ""
        click.secho(f"{number}. {p.heading}  ({p.kind}{page})", bold=True)
        click.echo(f"   {p.text}")


@click.command()
@_document
@click.option("--json", "json_", is_flag=True)
def history(document: str, collection: str, json_: bool) -> None:
    """The versions of DOCUMENT that are kept, newest first."""
    with opened() as (app, _):
        versions = app.knowledge.history(app.knowledge.find(document, collection).id)
    if json_:
        as_json([_version(v) for v in versions])
    else:
        _tell(versions)


@click.command()
@_document
@click.option("--to", type=int, help="The number of a version; else the one before.")
def rollback(document: str, collection: str, to: int | None) -> None:
    """Make a previous version of DOCUMENT the current one, as a new version."""
    with opened() as (app, _):
        d = app.knowledge.find(document, collection)
        number = app.knowledge.rollback(d.id, to, person())
        _prepare(app, d)
        version = app.knowledge.find(d.id).version
    click.echo(f"rolled back {d.path} to version {number}, now version {version}")


@click.command()
@_document
def publish(document: str, collection: str) -> None:
    """End the review of DOCUMENT: it is found, or its draft replaces the text before."""
    with opened() as (app, _):
        d = app.knowledge.find(document, collection)
        app.knowledge.publish(d.id)
        _prepare(app, d)
        d = app.knowledge.find(d.id)
    click.echo(f"published  {d.path} (version {d.version}, {why_hidden(d)})")


@click.command()
@_document
def disable(document: str, collection: str) -> None:
    """Keep DOCUMENT, but let nothing find it."""
    with opened() as (app, _):
        d = app.knowledge.find(document, collection)
        app.knowledge.enable(d.id, enabled=False)
    click.echo(f"disabled   {d.path}")


@click.command()
@_document
def enable(document: str, collection: str) -> None:
    """Let DOCUMENT be found again; a draft still waits for publish."""
    with opened() as (app, _):
        d = app.knowledge.find(document, collection)
        app.knowledge.enable(d.id)
        d = app.knowledge.find(d.id)
    click.echo(f"enabled    {d.path} ({why_hidden(d)})")


@click.command()
@_document
@click.option("--from", "first", help='First day on which it is found, as 2026-05-31; "" clears.')
@click.option("--until", "last", help='Last day on which it is found; "" clears.')
def dates(document: str, collection: str, first: str | None, last: str | None) -> None:
    """Show or set the days on which DOCUMENT is found, in the local time of this machine."""
    with opened() as (app, _):
        d = app.knowledge.find(document, collection)
        if first is not None or last is not None:
            first = d.valid_from if first is None else first
            app.knowledge.date(d.id, first, d.valid_until if last is None else last)
            d = app.knowledge.find(d.id)
    click.echo(f"valid      {d.path} {_validity(d)} ({why_hidden(d)})")


def _prepare(app: App, d: Document) -> None:
    """Read the passages that came, so that the first question need not wait."""
    app.scorer.prepare(app.knowledge.chunks(d.id))


def _version(v: Version) -> dict[str, object]:
    return {
        "number": v.number,
        "state": v.state,
        "added": v.added,
        "size": v.size,
        "chunks": v.chunks,
        "title": v.title,
        "sha256": v.sha256,
        "change": v.change,
        "by": v.origin,
    }


def _tell(versions: list[Version]) -> None:
    for v in versions:
        by = f" by {v.origin}" if v.origin else ""
        click.echo(
            f"version {v.number:<2} {v.state:8}  {v.added[:19]}Z  {v.size} bytes  "
            f"{v.chunks} chunks  {v.change}{by}"
        )


COMMANDS = (show, chunks, history, rollback, publish, disable, enable, dates)

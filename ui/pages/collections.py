"""Collections as a whole: their review, export as a zip file, and import of such a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from chatbot.app import App
from knowledge.errors import KnowledgeError, UnreadableFile
from knowledge.types import Collection, Ingested
from ui import render
from ui.accounts import Accounts
from ui.cookies import desk_token
from ui.labels import Labels
from ui.pages.notices import QUIET, done, heading, hint, problem
from ui.pages.preparation import prepare
from ui.texts import Texts, texts

EXPORT = "/desk/export.zip"


class CollectionsCard:
    """What staff do with all documents of a collection."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._app, self._knowledge, self._labels = app, app.knowledge, labels

    def build(self, language: gr.Radio) -> None:
        """The card's components."""
        add, self._language = self._labels.add, language
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: heading(words, "collections.card"))
            self._table = gr.Markdown("", elem_id="collections")
            with gr.Row(elem_classes="buttons", equal_height=True):
                self.name = add(
                    gr.Dropdown([("", "")], value="", min_width=260, elem_id="collections-name"),
                    label="documents.collection",
                )
                self._review = add(
                    gr.Button(size="sm", elem_id="review"), value="collections.review_switch"
                )
                self._link = gr.Markdown("", elem_id="export")
            self._said = gr.Markdown("", elem_id="collections-said")
            with gr.Row(elem_classes="form", equal_height=False):
                self._file = add(
                    gr.File(file_types=[".zip"], height=150, elem_id="import-file", scale=3),
                    label="collections.import_file",
                )
                with gr.Column(scale=1, min_width=220):
                    add(gr.Markdown(), value=lambda words: hint(words("collections.import_note")))
                    self._import = add(
                        gr.Button(size="sm", elem_id="import"), value="collections.import"
                    )
            self._results = gr.Markdown("", elem_id="import-results")
        self.filled = [self._table, self.name, self._link]

    def fill(self, collections: list[Collection], chosen: str, words: Texts) -> dict[Any, Any]:
        """Values for `filled`."""
        names = [c.name for c in collections]
        chosen = chosen if chosen in names else ""
        choices = [(words("collections.all"), ""), *((n, n) for n in names)]
        return {
            self._table: _table(collections, words),
            self.name: gr.update(choices=choices, value=chosen),
            self._link: _link(chosen, bool(collections), words),
        }

    def events(self, listed: dict[str, Any]) -> None:
        """listed: the call that shows the list of documents anew."""
        language = self._language
        self.name.input(
            lambda name, language: _link(name or "", True, texts(language)),
            [self.name, language],
            self._link,
            **QUIET,
        )
        self._review.click(
            self._reviewed, [self.name, language], [self._said, *self.filled], **QUIET
        )
        self._import.click(
            self._taken,
            [self._file, language],
            [self._results, self._file],
            concurrency_limit=1,
            concurrency_id="add",
            **QUIET,
        ).then(**listed)

    def _reviewed(self, name: str | None, language: str) -> dict[Any, Any]:
        """Turn the review of a collection on or off."""
        words = texts(language)
        if not name:
            return {self._said: problem(words("collections.choose"))}
        on = not any(c.review for c in self._knowledge.collections() if c.name == name)
        self._knowledge.review(name, on=on)
        said = done(words("collections.review_on" if on else "collections.review_off", name=name))
        return {self._said: said, **self.fill(self._knowledge.collections(), name, words)}

    def _taken(self, file: str | None, language: str, request: gr.Request) -> Iterator[list[Any]]:
        """Add the documents of an export, each shown as it comes."""
        words = texts(language)
        if not file:
            yield [problem(words("collections.nothing")), None]
            return
        path, ended = Path(file), list[Ingested]()
        try:
            yield [_working(words("documents.working", name=path.name)), None]
            for ingested in self._knowledge.take(path, request.username or ""):
                ended.append(ingested)
                yield [_taken(ended, words), None]
        except UnreadableFile as error:
            why = str(error).replace(str(path), path.name)  # not where the server keeps it
            said = problem(words("collections.unreadable", name=path.name, error=why))
            yield [said + _taken(ended, words), None]
        except KnowledgeError as error:
            yield [problem(words("desk.failed", error=error)) + _taken(ended, words), None]
        else:
            names = {i.document for i in ended if i.status == "added"}
            prepare(self._app, (d.id for d in self._knowledge.documents() if d.path in names))
            yield [done(words("collections.taken", count=len(ended))) + _taken(ended, words), None]
        finally:
            path.unlink(missing_ok=True)


def router(app: App, accounts: Accounts) -> APIRouter:
    """The export as a download, for staff."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(EXPORT)
    def export(request: Request, collection: str = "") -> FileResponse:
        """All documents, or those of a collection, in one zip file."""
        if accounts.who(desk_token(request.scope), touch=False) is None:
            raise HTTPException(401, "Please log in at /desk/login.")
        if collection and collection not in {c.name for c in app.knowledge.collections()}:
            raise HTTPException(404, f"There is no collection {collection!r}.")
        folder = tempfile.TemporaryDirectory(prefix="zhike-export-")
        name = f"zhike-{collection or 'documents'}-{date.today()}.zip".replace("/", "-")
        try:
            app.knowledge.export(Path(folder.name) / "export.zip", collection or None)
        except KnowledgeError as error:
            folder.cleanup()
            raise HTTPException(507, str(error)) from error
        return FileResponse(
            Path(folder.name) / "export.zip",
            media_type="application/zip",
            filename=name,
            background=BackgroundTask(folder.cleanup),
        )

    return routes


def _working(text: str) -> str:
    return f'<p class="working">{render.plain(text)}</p>'


def _table(collections: list[Collection], words: Texts) -> str:
    if not collections:
        return ""
    rows = [
        [c.name, str(c.documents), words("desk.yes" if c.review else "desk.no")]
        for c in collections
    ]
    names = ("documents.collection", "desk.documents", "collections.review")
    return render.table([words(name) for name in names], rows, "results")


def _link(collection: str, some: bool, words: Texts) -> str:
    """The download of a collection, or of all; nothing while there is none."""
    if not some:
        return ""
    query = f"?{urlencode({'collection': collection})}" if collection else ""
    text = render.plain(words("collections.export"))
    return f'<a class="download" href="{EXPORT}{render.plain(query)}" download>{text}</a>'


def _taken(ended: list[Ingested], words: Texts) -> str:
    """One line per document of an import."""
    names = ("result_file", "result", "result_chunks", "report")
    rows = [
        [
            item.document,
            words(f"documents.{item.status}"),
            str(item.chunks),
            " ".join(filter(None, (item.error or "", *item.warnings))),
        ]
        for item in ended
    ]
    head = [words(f"documents.{name}") for name in names]
    return render.table(head, rows, "results") if rows else ""

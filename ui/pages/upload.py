"""Adding documents: each file with its progress and result; drafts to look at before publishing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.app import App
from knowledge.errors import KnowledgeError, NotFound
from knowledge.types import Document, Ingested
from ui import render, uploads
from ui.labels import Labels
from ui.pages.chunks import ChunkPager
from ui.pages.notices import QUIET, done, heading, problem
from ui.pages.preparation import prepare
from ui.pages.upload_place import Refused, UploadPlace
from ui.texts import Texts, texts
from ui.uploads import Ended, Reading, Upload

Failed = dict[Upload, tuple[Ingested, ...]]
TOLD = ("document", "status", "chunks", "seconds", "error", "warnings", "draft")


class UploadSection:
    """The card with which staff add files."""

    def __init__(self, app: App, limit: int, labels: Labels) -> None:
        """limit: MB of a file."""
        self._app, self._knowledge, self._limit, self._labels = app, app.knowledge, limit, labels
        self._pager = ChunkPager(app.knowledge, labels, "preview")
        self.place = UploadPlace(app.knowledge, labels)

    def build(self, language: gr.Radio) -> None:
        """The card's components."""
        self._language = language
        with gr.Column(elem_classes="card"):
            self._labels.add(gr.Markdown(), value=self._heading)
            self._form()
            self._results = gr.Markdown("", elem_id="results")
            with gr.Row(elem_classes="buttons", visible=False) as self._again:
                self._retry = self._button("retry", "upload.retry")
                self._leave = self._button("leave", "upload.leave")
            self._said = gr.Markdown("", elem_id="upload-said")
            self._preview()
        # What failed stays with its file until it is tried again, left, or the page is closed.
        self._failed: gr.State = gr.State({}, delete_callback=_drop)
        self._waiting: gr.State = gr.State([])  # ids of the drafts of the upload

    def _heading(self, words: Texts) -> str:
        return heading(words, "documents.add", limit=self._limit)

    def _form(self) -> None:
        add = self._labels.add
        self._files = add(
            gr.File(file_count="multiple", height=150, elem_id="upload"), label="documents.files"
        )
        with gr.Row(elem_classes="form", equal_height=True):
            self.collection = add(
                gr.Dropdown(
                    ["default"],
                    value="default",
                    allow_custom_value=True,
                    min_width=200,
                    elem_id="collection",
                ),
                label="documents.collection",
            )
            self.place.build()
        with gr.Row(elem_classes="buttons", elem_id="adding"):
            self._draft = add(
                gr.Checkbox(False, label="", container=False, elem_id="as-draft"),
                label="upload.as_draft",
            )
            self._add = add(gr.Button(variant="primary", elem_id="add"), value="documents.add")

    def _preview(self) -> None:
        add = self._labels.add
        with gr.Column(visible=False, elem_id="preview") as self._drafts:
            add(gr.Markdown(), value=lambda words: heading(words, "upload.preview"))
            self._which = add(gr.Dropdown([], elem_id="preview-which"), label="documents.document")
            self._pager.build(self._language)
            with gr.Row(elem_classes="buttons"):
                self._publish = self._button("preview-publish", "document.publish", "primary")
                self._publish_all = self._button("preview-publish-all", "upload.publish_all")

    def _button(self, name: str, text: str, variant: Any = "secondary") -> gr.Button:
        button = gr.Button(size="sm", variant=variant, elem_id=name)
        return self._labels.add(button, value=text)

    def events(self, listed: dict[str, Any]) -> None:
        """listed: the call that shows the list of documents anew."""
        language, shown = self._language, [self._said, self._drafts, self._which, self._waiting]
        shown += self._pager.outputs
        told = [self._results, self._files, self._failed, self._again, *shown]
        told += [self.place.replaced]
        one: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "add", **QUIET}
        upload = [self._files, self.collection, self._draft, *self.place.filled]
        upload += [self._failed, language]
        self.place.events(self.collection, language)
        self._add.click(self._added, upload, told, **one).then(**listed)
        self._retry.click(self._retried, [self._failed, language], told, **one).then(**listed)
        self._leave.click(self._left, self._failed, told, **QUIET)
        for look in (self._which.input, language.input):
            look(self._looked, [self._which, language], self._pager.outputs, **QUIET)
        waiting = [self._waiting, language]
        self._publish.click(self._published_one, [self._which, *waiting], shown, **QUIET).then(
            **listed
        )
        self._publish_all.click(self._published_all, waiting, shown, **QUIET).then(**listed)

    def _added(
        self,
        files: list[str] | None,
        collection: str | None,
        draft: bool,
        folder: str | None,
        replaced: str | None,
        failed: Failed,
        language: str,
        request: gr.Request,
    ) -> Iterator[dict[Any, Any]]:
        words = texts(language)
        if not files:
            yield {self._said: problem(words("documents.nothing"))}
            return
        how = (collection or "").strip()[:100] or "default", draft
        try:
            chosen = self.place.uploads([Path(f) for f in files], how, folder, replaced, words)
        except Refused as refusal:
            yield {self._said: problem(str(refusal))}
            return
        yield from self._run(chosen, failed, language, request.username or "")

    def _retried(
        self, failed: Failed, language: str, request: gr.Request
    ) -> Iterator[dict[Any, Any]]:
        """Once more what failed; files that the server has tidied away must be chosen again."""
        there = [upload for upload in failed if upload.path.exists()]
        if there:
            yield from self._run(there, {}, language, request.username or "")
            return
        key = "upload.tidied" if failed else "upload.nothing_failed"
        yield self._left(failed) | {self._said: problem(texts(language)(key))}

    def _left(self, failed: Failed) -> dict[Any, Any]:
        uploads.drop(list(failed))
        hidden = gr.update(visible=False)
        return {self._results: "", self._failed: {}, self._again: hidden, self._said: ""}

    def _run(
        self, chosen: Sequence[Upload], failed: Failed, language: str, who: str
    ) -> Iterator[dict[Any, Any]]:
        """Add the files and show what becomes of each; at the end the drafts."""
        words = texts(language)
        ended: Failed = {upload: () for upload in chosen}
        kept = {upload: why for upload, why in failed.items() if upload not in ended}
        hidden = gr.update(visible=False)
        yield {
            self._results: _results(kept | ended, None, words),
            **{self._again: hidden, self._drafts: hidden, self._files: None, self._said: ""},
        }
        for event in uploads.added(self._knowledge, chosen, who):
            if isinstance(event, Ended):
                ended[event.upload] += (event.ingested,)
            now = event if isinstance(event, Reading) else None
            yield {self._results: _results(kept | ended, now, words)}
        bad = {u: tuple(i for i in items if i.error) for u, items in ended.items()}
        left = kept | {upload: items for upload, items in bad.items() if items}
        found = self._documents_of(ended)
        prepare(self._app, (d.id for d in found if d.state == "published"))
        replaced = any(upload.replaces and upload not in left for upload in ended)
        yield {
            **({self.place.replaced: ""} if replaced else {}),  # the next file is another matter
            self._results: _results(kept | ended, None, words),
            self._failed: left,
            self._again: gr.update(visible=bool(left)),
            **self._show_drafts([d for d in found if _waits(d)], language),
        }

    def _documents_of(self, ended: Failed) -> list[Document]:
        """The documents that these files became."""
        names = {
            (upload.collection, item.document)
            for upload, items in ended.items()
            for item in items
            if not item.error
        }
        every = [d for c in {c for c, _ in names} for d in self._knowledge.documents(c)]
        return [d for d in every if (d.collection, d.path) in names]

    def _show_drafts(self, waiting: Sequence[Document], language: str) -> dict[Any, Any]:
        choices = [(f"{d.collection}/{d.path}", d.id) for d in waiting]
        first = waiting[0] if waiting else None
        shown = (
            self._pager.show(first.id, first.draft or first.version, language)
            if first
            else self._pager.clear()
        )
        return {
            self._drafts: gr.update(visible=first is not None),
            self._which: gr.update(choices=choices, value=first.id if first else None),
            self._waiting: [d.id for d in waiting],
            **shown,
        }

    def _looked(self, which: str | None, language: str) -> dict[Any, Any]:
        try:
            document = self._knowledge.find(which or "")
        except NotFound:
            return self._pager.clear()
        return self._pager.show(document.id, document.draft or document.version, language)

    def _published_one(
        self, which: str | None, waiting: list[str], language: str
    ) -> dict[Any, Any]:
        return self._published([which] if which else [], waiting, language)

    def _published_all(self, waiting: list[str], language: str) -> dict[Any, Any]:
        return self._published(waiting, waiting, language)

    def _published(
        self, ids: Sequence[str], waiting: Sequence[str], language: str
    ) -> dict[Any, Any]:
        """Publish these and show what still waits; what is gone meanwhile is told."""
        words = texts(language)
        if not ids:
            return {self._said: problem(words("upload.no_drafts"))}
        names, failures = [], []
        for id_ in ids:
            try:
                self._knowledge.publish(id_)
                names.append(self._knowledge.find(id_).path)
            except NotFound:
                failures.append(words("document.gone"))
            except KnowledgeError as error:
                failures.append(words("desk.failed", error=error))
        prepare(self._app, ids)
        said = done(words("document.published", name=", ".join(names))) if names else ""
        said += "".join(map(problem, dict.fromkeys(failures)))
        left = [d for d in self._knowledge.documents() if d.id in waiting and _waits(d)]
        return {self._said: said, **self._show_drafts(left, language)}


def _waits(document: Document) -> bool:
    return document.state == "draft" or document.draft is not None


def _drop(failed: Failed) -> None:
    uploads.drop(list(failed))


def _results(shown: Failed, now: Reading | None, words: Texts) -> str:
    """One line per file: waiting, being read, or what became of it."""
    rows = []
    for upload, items in shown.items():
        rows += [_row(item, words) for item in items]
        if now is not None and upload == now.upload:
            rows.append([now.name, words("upload.reading", percent=round(100 * now.done))])
        elif not items:
            rows.append([upload.path.name, words("upload.waiting")])
    names = ("result_file", "result", "result_chunks", "result_seconds", "report")
    width = len(names)
    filled = [[*row, *([""] * (width - len(row)))] for row in rows]
    head = [words(f"documents.{name}") for name in names]
    return render.table(head, filled, "results") if rows else ""


def _row(item: Ingested, words: Texts) -> list[str]:
    status = "draft" if item.draft and not item.error else item.status
    return [
        item.document,
        words(f"documents.{status}"),
        str(item.chunks),
        f"{item.seconds:.1f}",
        " ".join(filter(None, (item.error or "", _report(item, words), *item.warnings))),
    ]


def _report(item: object, words: Texts) -> str:
    """Whatever else is told of a file: fields that are numbers, with their names."""
    told = []
    for field in fields(item) if is_dataclass(item) else ():
        value = getattr(item, field.name)
        if field.name in TOLD:
            continue
        if is_dataclass(value):
            told.append(_report(value, words))
        elif value:
            number = f"{value:,}" if isinstance(value, int) else str(value)
            told.append(f"{words.named('report', field.name)}: {number}")
    return " · ".join(filter(None, told))

"""The desk's documents: add with a result per file, list, chunks, remove, try a search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from chatbot.app import App
from knowledge.errors import KnowledgeError
from knowledge.types import Document, Ingested, Passage
from ui import render
from ui.labels import Labels
from ui.settings import Settings
from ui.texts import Texts, texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
COLUMNS = ("document", "collection", "title", "language", "chunks", "faqs", "size", "added_at")
SHOWN_CHUNKS = 200  # of one document; more make the page slow


class DocumentsTab:
    """What staff do with documents."""

    def __init__(self, app: App, settings: Settings, labels: Labels) -> None:
        self._knowledge = app.knowledge
        self._limit = settings.knowledge.max_file_mb
        self._labels = labels
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        self._language = language
        self._add_section()
        self._list_section()
        self._search_section()
        self._events()

    def fill(self, language: str) -> dict[Any, Any]:
        """Values for `filled`: the table of documents."""
        words = texts(language)
        documents = sorted(self._knowledge.documents(), key=lambda d: d.added, reverse=True)
        rows = [_row(document) for document in documents]
        empty = "" if rows else f'<p class="hint">{render.plain(words("documents.empty"))}</p>'
        return {
            self._table: gr.update(value=rows, headers=_headers(words), visible=bool(rows)),
            self._empty: gr.update(value=empty, visible=not rows),
        }

    def _add_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: _heading(words, "add", limit=self._limit))
            with gr.Row(elem_classes="form", equal_height=False):
                self._files = add(
                    gr.File(file_count="multiple", height=132, elem_id="upload", scale=3),
                    label="documents.files",
                )
                with gr.Column(scale=1, min_width=220):
                    self._collection = add(
                        gr.Textbox("default", max_length=100, elem_id="collection"),
                        label="documents.collection",
                    )
                    self._add = add(
                        gr.Button(variant="primary", elem_id="add"), value="documents.add"
                    )
            self._results = gr.Markdown("", elem_id="results")

    def _list_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: _heading(words, "list"))
            self._table = gr.Dataframe(
                headers=list(COLUMNS),
                interactive=False,
                show_label=False,
                max_height=420,
                buttons=[],
                elem_id="documents",
                elem_classes="grid",
                column_widths=[210, 105, 205, 100, 85, 165, 85, 155],  # at least: see desk.css
            )
            self._empty = gr.Markdown("", visible=False)
            self.filled = [self._table, self._empty]
            self._said = gr.Markdown("", elem_id="removed")
            self._chosen: gr.State = gr.State(None)  # id of the document shown
            self._armed: gr.State = gr.State(False)  # the remove button was clicked once
            with gr.Column(visible=False, elem_id="document") as self._detail:
                self._chunks = gr.Markdown("")
                self._remove = gr.Button("", variant="stop", size="sm", elem_id="remove")

    def _search_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: _heading(words, "search"))
            with gr.Row(equal_height=True, elem_classes="form"):
                self._query = add(
                    gr.Textbox(
                        show_label=False,
                        container=False,
                        max_length=2_000,
                        scale=1,
                        elem_id="query",
                    ),
                    placeholder="documents.query",
                    label="documents.query",
                )
                self._search = add(
                    gr.Button(variant="primary", scale=0, min_width=110, elem_id="search"),
                    value="documents.search",
                )
            self._found = gr.Markdown("", elem_id="found")

    def _events(self) -> None:
        language = self._language
        self._add.click(
            self._ingest,
            [self._files, self._collection, language],
            [self._results, self._files],
            concurrency_limit=1,  # one writer at a time; others wait their turn
            **QUIET,
        ).then(self.fill, language, self.filled, **QUIET)
        shown = [self._chosen, self._armed, self._detail, self._chunks, self._remove, self._said]
        self._table.select(self._show, language, shown, **QUIET)
        self._remove.click(
            self._removed, [self._chosen, self._armed, language], shown, **QUIET
        ).then(self.fill, language, self.filled, **QUIET)
        for trigger in (self._search.click, self._query.submit):
            trigger(self._searched, [self._query, language], self._found, **QUIET)

    def _ingest(
        self, files: list[str] | None, collection: str, language: str
    ) -> Iterator[list[Any]]:
        """Add the files one by one and show what became of each."""
        words = texts(language)
        if not files:
            yield [_problem(words("documents.nothing")), gr.update()]
            return
        done: list[Ingested] = []
        paths = [Path(file) for file in files]
        try:
            for path in paths:
                working = words("documents.working", name=path.name)
                yield [_results(done, words, working), gr.update()]
                done.extend(self._knowledge.add([path], collection.strip() or "default"))
        except KnowledgeError as error:
            yield [_problem(words("desk.failed", error=error)), None]
            return
        finally:
            for path in paths:  # Gradio's copies of the upload are not needed any more
                path.unlink(missing_ok=True)
        yield [_results(done, words), None]

    def _show(self, language: str, event: gr.SelectData) -> list[Any]:
        words = texts(language)
        path, collection = str(event.row_value[0]), str(event.row_value[1])
        documents = self._knowledge.documents(collection)
        found = next((d for d in documents if d.path == path), None)
        if found is None:
            return self._nothing("")
        chunks = self._knowledge.chunks(found.id)
        return [
            found.id,
            False,
            gr.update(visible=True),
            _chunks(found, chunks, words),
            gr.update(value=words("documents.remove")),
            "",
        ]

    def _removed(self, chosen: str | None, armed: bool, language: str) -> list[Any]:
        """The first click asks again, the second removes."""
        words = texts(language)
        found = next((d for d in self._knowledge.documents() if d.id == chosen), None)
        if found is None:
            return self._nothing("")
        if not armed:
            keep, sure = gr.update(), gr.update(value=words("documents.remove_sure"))
            return [chosen, True, keep, keep, sure, ""]
        try:
            self._knowledge.remove(found.id, found.collection)
        except KnowledgeError as error:
            return self._nothing(_problem(words("desk.failed", error=error)))
        done = render.plain(words("documents.removed", name=found.path))
        return self._nothing(f'<p class="done">{done}</p>')

    def _nothing(self, said: str) -> list[Any]:
        return [None, False, gr.update(visible=False), "", gr.update(), said]

    def _searched(self, query: str, language: str) -> str:
        words = texts(language)
        if not query.strip():
            return ""
        try:
            found = self._knowledge.search(query.strip())
        except KnowledgeError as error:
            return _problem(words("desk.failed", error=error))
        return _passages(found, words)


def _row(document: Document) -> list[Any]:
    return [
        document.path,
        document.collection,
        document.title,
        document.language,
        document.chunks,
        document.faqs,
        f"{document.size / 1024:,.1f} KB",
        document.added[:16].replace("T", " "),
    ]


def _headers(words: Texts) -> list[str]:
    return [words(f"documents.{column}") for column in COLUMNS]


def _heading(words: Texts, part: str, **values: object) -> str:
    title = render.plain(words(f"documents.{part}_title"))
    lead = render.plain(words(f"documents.{part}_lead", **values))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _problem(text: str) -> str:
    return f'<p class="problem">{render.plain(text)}</p>'


def _results(done: list[Ingested], words: Texts, working: str = "") -> str:
    """One line per file, and what is being done."""
    names = ("result_file", "result", "result_chunks", "result_seconds", "warnings")
    rows = [
        [
            item.document,
            words(f"documents.{item.status}"),
            str(item.chunks),
            f"{item.seconds:.1f}",
            " ".join([item.error or "", *item.warnings]).strip(),
        ]
        for item in done
    ]
    table = render.table([words(f"documents.{n}") for n in names], rows, "results") if rows else ""
    line = f'<p class="working">{render.plain(working)}</p>' if working else ""
    return f"<div>{table}{line}</div>" if table or line else ""


def _chunks(document: Document, chunks: list[Passage], words: Texts) -> str:
    head = (
        f"<h3>{render.plain(document.title)}</h3><p class='hint'>{render.plain(document.path)} · "
        f"{len(chunks)} {render.plain(words('documents.chunks'))}</p>"
    )
    warnings = "".join(_problem(warning) for warning in document.warnings)
    body = "".join(
        f'<div class="chunk"><div class="where">{n}. {_where(chunk, words)}</div>'
        f"<div>{render.plain(chunk.text)}</div></div>"
        for n, chunk in enumerate(chunks[:SHOWN_CHUNKS], 1)
    )
    return f'<div class="chunks">{head}{warnings}{body}</div>'


def _passages(found: list[Passage], words: Texts) -> str:
    """What a search found, with the fused rank score and the two scores behind it."""
    if not found:
        return f'<p class="hint">{render.plain(words("documents.nothing_found"))}</p>'
    names = ("rank", "passage", "score", "cosine", "keyword")
    head = "".join(f"<th>{render.plain(words(f'documents.{name}'))}</th>" for name in names)
    rows = "".join(
        f'<tr><td>{n}</td><td><div class="where">{_where(p, words, _title(p))}</div>'
        f"{render.plain(p.text)}<div class='file'>{render.plain(p.document)}</div></td>"
        f"<td>{p.score:.2f}</td><td>{p.cosine:.2f}</td><td>{p.keyword:.1f}</td></tr>"
        for n, p in enumerate(found, 1)
    )
    note = f'<p class="hint">{render.plain(words("documents.scores_note"))}</p>'
    return (
        f'<div class="passages"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f"{note}</div>"
    )


def _title(passage: Passage) -> str:
    """An approved answer shows its question itself; its document is a table without a title."""
    return "" if passage.kind == "faq" else passage.title


def _where(passage: Passage, words: Texts, title: str = "") -> str:
    page = words("documents.page", page=passage.page) if passage.page else ""
    return render.plain(" · ".join(part for part in (title, passage.heading, page) if part))

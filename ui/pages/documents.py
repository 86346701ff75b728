"""The desk's documents: the list with its filters, and the cards around it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from chatbot.app import App
from knowledge.errors import NotFound
from knowledge.keywords import fold
from knowledge.types import Document
from ui.labels import Labels
from ui.pages.collections import CollectionsCard
from ui.pages.document_editor import Case
from ui.pages.document_life import DocumentPanel
from ui.pages.notices import QUIET, heading, hint, tick
from ui.pages.search_bench import SearchBench
from ui.pages.states import PHASES, moment, phase, state
from ui.pages.upload import UploadSection
from ui.settings import Settings
from ui.texts import Texts, texts

COLUMNS = ("document", "collection", "language", "state", "version", "chunks", "added_at")
WIDTHS = [290, 130, 100, 240, 85, 85, 165]  # at least: see desk.css


class DocumentsTab:
    """What staff do with documents."""

    def __init__(self, app: App, settings: Settings, labels: Labels) -> None:
        self._knowledge, self._labels = app.knowledge, labels
        self._upload = UploadSection(app, settings.knowledge.max_file_mb, labels)
        self._panel = DocumentPanel(app, labels)
        self._bench = SearchBench(app, labels)
        self._collections = CollectionsCard(app, labels)
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        self._language = language
        opened: gr.State = gr.State(0)
        self.filled = [opened]
        self._upload.build(language)
        self._list_section()
        self._bench.build(language)
        self._collections.build(language)
        self._events(opened)

    @property
    def editing(self) -> list[Any]:
        """The components that edit() gives values for."""
        return self._panel.outputs

    def edit(self, document_id: str, language: str, passage: str, case: Case) -> dict[Any, Any]:
        """The document open in its editor, at this passage. Raises NotFound, NotEditable."""
        return self._panel.edit(document_id, language, passage, case)

    def fill(self, language: str) -> dict[Any, Any]:
        """Values for `filled`; the list follows at once, with what is chosen by then."""
        del language
        return {self.filled[0]: tick()}

    def _listed(
        self,
        language: str,
        collection: str,
        wanted: str,
        text: str,
        target: str,
        folder: str,
        replaced: str,
        asked: str,
        managed: str,
    ) -> dict[Any, Any]:
        """The documents that pass the filters; what offers collections and documents follows.

        target, folder, replaced: where an upload goes. asked, managed: the collection of the
        search bench, of the last card.
        """
        words = texts(language)
        collections = self._knowledge.collections()
        names = [c.name for c in collections]
        collection, asked = (name if name in names else "" for name in (collection, asked))
        documents = sorted(self._knowledge.documents(), key=lambda d: d.added, reverse=True)
        found = [d for d in documents if _passes(d, collection, wanted, text)]
        missing = "documents.none" if documents else "documents.empty"
        every = [(words("collections.all"), ""), *((name, name) for name in names)]
        targets, target = list(dict.fromkeys(["default", *names])), target or "default"
        return {
            self._table: gr.update(
                value=[_row(d, words) for d in found], headers=_headers(words), visible=bool(found)
            ),
            self._empty: gr.update(value="" if found else hint(words(missing)), visible=not found),
            self._collection: gr.update(choices=every, value=collection),
            self._upload.collection: gr.update(choices=targets, value=target),
            **self._upload.place.fill(target, folder, replaced, words),
            self._bench.collection: gr.update(choices=every, value=asked),
            **self._collections.fill(collections, managed, words),
        }

    def _list_section(self) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: heading(words, "documents.list"))
            with gr.Row(equal_height=True, elem_classes="form filters"):
                self._text = add(
                    gr.Textbox("", max_length=200, min_width=200, scale=2, elem_id="filter-text"),
                    label="documents.filter_text",
                    placeholder="documents.filter_hint",
                )
                self._collection = add(
                    gr.Dropdown([("", "")], value="", min_width=160, elem_id="filter-collection"),
                    label="documents.collection",
                )
                self._state = add(
                    gr.Dropdown(
                        _states(texts("en")), value="", min_width=160, elem_id="filter-state"
                    ),
                    label="documents.state",
                    choices=_states,
                )
            self._table = gr.Dataframe(
                headers=list(COLUMNS),
                interactive=False,
                show_label=False,
                max_height=420,
                buttons=[],
                elem_id="documents",
                elem_classes="grid",
                column_widths=WIDTHS,
            )
            self._empty = gr.Markdown("", visible=False)
            self._panel.build(self._language)

    def _events(self, opened: gr.State) -> None:
        language, upload = self._language, self._upload
        filters = [self._collection, self._state, self._text]
        kept = [upload.collection, *upload.place.filled]
        kept += [self._bench.collection, self._collections.name]
        offering = [self._collection, upload.collection, *upload.place.filled]
        offering += [self._bench.collection, *self._collections.filled]
        listed: dict[str, Any] = {
            "fn": self._listed,
            "inputs": [language, *filters, *kept],
            "outputs": [self._table, self._empty, *offering],
            **QUIET,
        }
        opened.change(**listed)
        for trigger in (self._collection.input, self._state.input, self._text.input):
            trigger(trigger_mode="always_last", **listed)
        self._table.select(self._show, language, self._panel.outputs, **QUIET)
        self._upload.events(listed)
        self._panel.events(listed)
        self._collections.events(listed)

    def _show(self, language: str, event: gr.SelectData) -> dict[Any, Any]:
        path, collection = str(event.row_value[0]), str(event.row_value[1])
        try:
            document = self._knowledge.find(path, collection)
        except NotFound:
            return self._panel.gone(language)
        return self._panel.choose(document, language)


def _passes(document: Document, collection: str, wanted: str, text: str) -> bool:
    """Whether a document has the collection, the phase, and all words in path or title."""
    if collection and document.collection != collection:
        return False
    draft = wanted == "draft" and document.draft is not None
    if wanted and phase(document) != wanted and not draft:
        return False
    held = fold(f"{document.path}\n{document.title}")
    return all(needle in held for needle in fold(text).split())


def _states(words: Texts) -> list[tuple[str, str]]:
    """The choices of the filter."""
    return [(words("life.all"), ""), *((words(f"life.{p}_kind"), p) for p in PHASES)]


def _row(document: Document, words: Texts) -> list[Any]:
    return [
        document.path,
        document.collection,
        document.language,
        state(document, words),
        document.version,
        document.chunks,
        moment(document.added),
    ]


def _headers(words: Texts) -> list[str]:
    return [words(f"documents.{column}") for column in COLUMNS]

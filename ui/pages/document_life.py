"""One document: what is known of it, its state and dates, its versions, and its chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from chatbot.app import App
from knowledge.errors import KnowledgeError, NotFound, WrongDate
from knowledge.types import Document
from knowledge.versions import Version
from ui import render
from ui.labels import Labels
from ui.pages.chunks import ChunkPager
from ui.pages.document_editor import Case, DocumentEditor
from ui.pages.notices import QUIET, done, hint, problem
from ui.pages.preparation import prepare
from ui.pages.states import moment, state
from ui.texts import Texts, texts


class DocumentPanel:
    """What staff see and change of the document that they chose on the list."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._app, self._knowledge, self._labels = app, app.knowledge, labels
        self._pager = ChunkPager(app.knowledge, labels, "document")
        self._editor = DocumentEditor(app, labels, self.show)

    def build(self, language: gr.Radio) -> None:
        """The panel, hidden until show()."""
        self._language = language
        self._chosen: gr.State = gr.State("")  # id of the document shown
        self._armed: gr.State = gr.State(False)  # the remove button was clicked once
        self._news = gr.Markdown("", elem_id="removed")
        with gr.Column(visible=False, elem_id="document") as self._panel:
            self._facts = gr.Markdown("", elem_id="facts")
            self._buttons()
            self._said = gr.Markdown("", elem_id="document-said")
            self._editor.build(self._chosen, self._said)
            self._dates()
            self._versions()
            self._pager.build(language)
        self.outputs = [
            *(self._chosen, self._armed, self._news, self._panel, self._facts, self._said),
            *(self._publish, self._switch, self._remove, self._from, self._until),
            *(self._history, self._version, self._back, *self._pager.outputs),
            *(c for c in self._editor.outputs if c is not self._said),
        ]

    def _buttons(self) -> None:
        with gr.Row(elem_classes="buttons"):
            self._publish = self._labels.add(
                gr.Button(size="sm", variant="primary", elem_id="publish"), value="document.publish"
            )
            self._edit = self._labels.add(gr.Button(size="sm", elem_id="edit"), value="editor.edit")
            self._switch = gr.Button("", size="sm", elem_id="switch")
            self._remove = gr.Button("", variant="stop", size="sm", elem_id="remove")

    def _dates(self) -> None:
        add = self._labels.add
        with gr.Row(elem_classes="form dates", equal_height=True):
            self._from, self._until = self._day("from"), self._day("until")
            self._save = add(
                gr.Button(size="sm", scale=0, min_width=110, elem_id="save-dates"),
                value="document.save_dates",
            )
        add(gr.Markdown(), value=lambda words: hint(words("document.dates_note")))

    def _day(self, name: str) -> gr.Textbox:
        box = gr.Textbox(
            "",
            max_lines=1,  # one line only: page.js makes it a calendar
            placeholder="2026-05-31",
            max_length=40,
            min_width=150,
            elem_id=f"valid-{name}",
            elem_classes="day",
        )
        return self._labels.add(box, label=f"document.valid_{name}")

    def _versions(self) -> None:
        add = self._labels.add
        self._history = gr.Markdown("", elem_id="history")
        with gr.Row(elem_classes="buttons", equal_height=True):
            self._version = add(
                gr.Dropdown([], elem_id="version", min_width=260), label="document.version_shown"
            )
            self._back = add(gr.Button(size="sm", elem_id="roll-back"), value="document.roll_back")

    def events(self, listed: dict[str, Any]) -> None:
        """listed: the call that shows the list of documents anew."""
        chosen, language = self._chosen, self._language
        for button, act, more in (
            (self._publish, self._published, []),
            (self._switch, self._switched, []),
            (self._save, self._dated, [self._from, self._until]),
            (self._back, self._rolled_back, [self._version]),
            (self._remove, self._removed, [self._armed]),
        ):
            button.click(act, [chosen, language, *more], self.outputs, **QUIET).then(**listed)
        self._editor.events(self._edit, language, self.outputs, listed)
        self._version.input(
            self._looked,
            [chosen, language, self._version],
            [self._back, *self._pager.outputs],
            **QUIET,
        )
        language.input(self._again, [chosen, language, self._version], self.outputs, **QUIET)

    def show(
        self, document: Document, language: str, said: str = "", number: int | None = None
    ) -> dict[Any, Any]:
        """Values for `outputs`: this document.

        number: the version to look at; None is the draft, or else the current one.
        """
        words = texts(language)
        versions = self._knowledge.history(document.id)
        number = number or document.draft or document.version
        enabled = document.state != "disabled"
        waits = document.draft is not None or document.state == "draft"
        return {
            self._chosen: document.id,
            self._armed: False,
            self._news: "",
            self._panel: gr.update(visible=True),
            self._facts: _facts(document, words),
            self._said: said,
            self._publish: gr.update(visible=waits),
            self._switch: words("document.disable" if enabled else "document.enable"),
            self._remove: words("documents.remove"),
            self._from: document.valid_from,
            self._until: document.valid_until,
            self._history: _history(versions, words),
            self._version: gr.update(choices=_choices(versions, words), value=number),
            self._back: gr.update(interactive=_before(versions, number)),
            **self._pager.show(document.id, number, language),
        }

    def choose(self, document: Document, language: str) -> dict[Any, Any]:
        """Values for `outputs`: this document instead of the one before."""
        return self.show(document, language) | self._editor.close()

    def edit(self, document_id: str, language: str, passage: str, case: Case) -> dict[Any, Any]:
        """Values for `outputs`: a document being edited where this passage is.

        Raises NotFound, NotEditable.
        """
        opened = self._editor.open(document_id, language, passage, case)
        return self.show(self._knowledge.find(document_id), language) | opened

    def close(self, news: str) -> dict[Any, Any]:
        """Values for `outputs`: no document, and why."""
        kept: dict[Any, Any] = dict.fromkeys(self.outputs, gr.skip())
        panel = {self._panel: gr.update(visible=False), self._chosen: "", self._armed: False}
        cleared = self._pager.clear() | self._editor.close()
        return kept | cleared | panel | {self._news: news, self._said: ""}

    def gone(self, language: str) -> dict[Any, Any]:
        """Values for `outputs`: somebody removed it meanwhile."""
        return self.close(problem(texts(language)("document.gone")))

    def _act(self, chosen: str, language: str, act: Callable[[Document], str]) -> dict[Any, Any]:
        """Do it to the chosen document and show what it is now. act: gives what to say."""
        words = texts(language)
        if not chosen:
            return self.close(problem(words("document.choose")))
        try:
            document = self._knowledge.find(chosen)
        except NotFound:
            return self.gone(language)
        try:
            said = done(act(document))
        except WrongDate:  # what was typed stays
            return {self._said: problem(words("document.wrong_date"))}
        except NotFound:
            said = problem(words("document.version_gone"))
        except KnowledgeError as error:
            said = problem(words("desk.failed", error=error))
        try:
            return self.show(self._knowledge.find(chosen), language, said)
        except NotFound:
            return self.gone(language)

    def _again(self, chosen: str, language: str, number: int | None) -> dict[Any, Any]:
        """The same document in another language of the page."""
        if not chosen:
            return self.close("")
        try:
            return self.show(self._knowledge.find(chosen), language, number=number)
        except NotFound:
            return self.gone(language)

    def _looked(self, chosen: str, language: str, number: int | None) -> dict[Any, Any]:
        """Another version's chunks; only one before the current can be rolled back to."""
        if not chosen or number is None:
            return self._pager.clear() | {self._back: gr.update(interactive=False)}
        before = _before(self._knowledge.history(chosen), number)
        shown = self._pager.show(chosen, number, language)
        return shown | {self._back: gr.update(interactive=before)}

    def _published(self, chosen: str, language: str) -> dict[Any, Any]:
        def publish(document: Document) -> str:
            self._knowledge.publish(document.id)
            prepare(self._app, [document.id])
            return texts(language)("document.published", name=document.path)

        return self._act(chosen, language, publish)

    def _switched(self, chosen: str, language: str) -> dict[Any, Any]:
        def switch(document: Document) -> str:
            enabled = document.state == "disabled"
            self._knowledge.enable(document.id, enabled=enabled)
            key = "document.enabled" if enabled else "document.disabled"
            return texts(language)(key, name=document.path)

        return self._act(chosen, language, switch)

    def _dated(self, chosen: str, language: str, first: str, last: str) -> dict[Any, Any]:
        def date(document: Document) -> str:
            self._knowledge.date(document.id, first, last)
            words, now = texts(language), self._knowledge.find(document.id)
            return words("document.dated", state=state(now, words))

        return self._act(chosen, language, date)

    def _rolled_back(
        self, chosen: str, language: str, number: int | None, request: gr.Request
    ) -> dict[Any, Any]:
        def roll_back(document: Document) -> str:
            if number is None:
                raise NotFound("no version was chosen")
            self._knowledge.rollback(document.id, number, request.username or "")
            prepare(self._app, [document.id])
            now = self._knowledge.find(document.id).version
            return texts(language)("document.rolled_back", number=number, version=now)

        return self._act(chosen, language, roll_back)

    def _removed(self, chosen: str, language: str, armed: bool) -> dict[Any, Any]:
        """The first click asks again, the second removes."""
        words = texts(language)
        if not chosen:
            return self.close(problem(words("document.choose")))
        if not armed:
            return {self._armed: True, self._remove: words("documents.remove_sure")}
        try:
            document = self._knowledge.find(chosen)
            self._knowledge.remove(document.id, document.collection)
        except NotFound:
            return self.gone(language)
        except KnowledgeError as error:
            return {self._said: problem(words("desk.failed", error=error)), self._armed: False}
        return self.close(done(words("documents.removed", name=document.path)))


def _before(versions: list[Version], number: int) -> bool:
    """Whether it can be rolled back to."""
    return any(v.number == number and v.state == "previous" for v in versions)


def _facts(document: Document, words: Texts) -> str:
    """Title, and a line of facts; then what the reader of its file warned of."""
    facts = [
        ("documents.state", state(document, words)),
        ("documents.collection", document.collection),
        ("documents.language", document.language),
        ("documents.version", str(document.version)),
        ("documents.chunks", str(document.chunks)),
        ("documents.faqs", str(document.faqs)),
        ("documents.size", f"{document.size / 1024:,.1f} KB"),
        ("documents.added_at", moment(document.added)),
    ]
    cells = "".join(
        f"<span><b>{render.plain(words(key))}</b>{render.plain(value)}</span>"
        for key, value in facts
    )
    warnings = "".join(problem(warning) for warning in document.warnings)
    return (
        f'<div class="chunks-head"><h3>{render.plain(document.title)}</h3>'
        f'<p class="hint">{render.plain(document.path)}</p>'
        f'<div class="facts">{cells}</div>{warnings}</div>'
    )


def _history(versions: list[Version], words: Texts) -> str:
    names = ("version", "state", "added_at", "chunks", "size", "change", "by")
    rows = [
        [
            str(v.number),
            words(f"history.{v.state}"),
            moment(v.added),
            str(v.chunks),
            f"{v.size / 1024:,.1f} KB",
            _change(v, words),
            v.origin or "–",
        ]
        for v in versions
    ]
    head = [words(f"history.{name}") for name in names]
    title = render.plain(words("history.title"))
    return f"<h4>{title}</h4>{render.table(head, rows, 'history')}"


def _change(version: Version, words: Texts) -> str:
    """The stored "added", "replaced", "imported" or "rolled back to N", in words."""
    what, _, number = version.change.partition(" back to ")
    if number:
        return words("change.rolled", number=number)
    return words.named("change", what)


def _choices(versions: list[Version], words: Texts) -> list[tuple[str, int]]:
    return [
        (f"{v.number} · {words(f'history.{v.state}')} · {moment(v.added)}", v.number)
        for v in versions
    ]

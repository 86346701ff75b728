"""The text of a document's file in a box: changed there, saved as its next version."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.feedback import MAX_FACT
from knowledge.errors import Changed, KnowledgeError, NotEditable, NotFound
from knowledge.load import LONGEST_SOURCE
from knowledge.pairs import LONGEST_QUESTION
from knowledge.sources import Source, place
from knowledge.types import Document
from ui import render
from ui.labels import Labels
from ui.pages.notices import QUIET, done, hint, problem
from ui.pages.preparation import prepare
from ui.texts import Texts, texts

Updates = dict[Any, Any]
Show = Callable[[Document, str, str], Updates]  # the panel: document, language, what to say


@dataclass(frozen=True, slots=True)
class Case:
    """The complaint for whose sake a document is edited."""

    reply_id: str
    question: str


class DocumentEditor:
    """A part of the document's panel, hidden until open()."""

    def __init__(self, app: App, labels: Labels, show: Show) -> None:
        """show: gives the values of the panel for a document that was saved."""
        self._app, self._knowledge, self._labels = app, app.knowledge, labels
        self._show = show
        self.outputs: list[Any] = []

    def build(self, chosen: gr.State, said: gr.Markdown) -> None:
        """The components. chosen: the id of the panel's document; said: where it says things."""
        self._chosen, self._said = chosen, said
        self._number: gr.State = gr.State(0)  # the version that is edited
        self._reply: gr.State = gr.State("")  # of the complaint, if there is one
        with gr.Column(visible=False, elem_id="editor") as self._column:
            self._labels.add(gr.Markdown(), value=_heading)
            self._about = gr.Markdown("")
            self._case_section()
            self._text = self._labels.add(
                gr.Textbox(lines=14, max_lines=20, elem_id="editor-text"), label="editor.text"
            )
            self._place = gr.Markdown("", elem_id="editor-place")  # page.js marks it in the box
            self._draft = self._labels.add(
                gr.Checkbox(False, label="", container=False, elem_id="editor-draft"),
                label="editor.as_draft",
            )
            with gr.Row(elem_classes="buttons"):
                self._save = self._button("editor-save", "editor.save", "primary")
                self._leave = self._button("editor-leave", "editor.leave")
            self._told = gr.Markdown("", elem_id="editor-said")
        self.outputs = [
            *(self._number, self._reply, self._column, self._about, self._case, self._question),
            *(self._fact, self._text, self._place, self._draft, self._told, said),
        ]

    def _case_section(self) -> None:
        with gr.Column(visible=False, elem_id="editor-case") as self._case:
            self._labels.add(gr.Markdown(), value=lambda words: hint(words("editor.case")))
            self._question = self._labels.add(
                gr.Textbox(max_length=LONGEST_QUESTION, elem_id="editor-question"),
                label="editor.question",
                info="feedback.question_info",
            )
            self._fact = self._labels.add(
                gr.Textbox(max_length=MAX_FACT, elem_id="editor-fact"),
                label="editor.fact",
                info="editor.fact_info",
            )

    def _button(self, name: str, text: str, variant: Any = "secondary") -> gr.Button:
        button = gr.Button(size="sm", variant=variant, elem_id=name)
        return self._labels.add(button, value=text)

    def events(
        self, edit: gr.Button, language: gr.Radio, panel: list[Any], listed: dict[str, Any]
    ) -> None:
        """edit: what opens it. panel: all outputs of it. listed: shows the list anew."""
        edit.click(self._opened, [self._chosen, language], self.outputs, **QUIET)
        self._leave.click(self.close, None, self.outputs, **QUIET)
        language.input(self._reworded, [self._chosen, self._number, language], self._about, **QUIET)
        values = [self._number, self._text, self._draft]
        values += [self._reply, self._question, self._fact]
        self._save.click(self._saved, [self._chosen, language, *values], panel, **QUIET).then(
            **listed
        )

    def open(
        self, document_id: str, language: str, passage: str = "", case: Case | None = None
    ) -> Updates:
        """Values for `outputs`: the text, with the passage marked in it.

        Raises NotFound, NotEditable.
        """
        source, words = self._knowledge.source(document_id), texts(language)
        start, end = place(source.text, passage)
        # Named anew each time, so that the same passage is marked once more
        marked = f'<span class="place at-{start} to-{end} n-{secrets.token_hex(4)}"></span>'
        return {
            self._number: source.number,
            self._reply: case.reply_id if case else "",
            self._column: gr.update(visible=True),
            self._about: _about(source.document, source.number, words),
            self._case: gr.update(visible=case is not None),
            self._question: case.question[:LONGEST_QUESTION] if case else "",
            self._fact: "",
            self._text: source.text,
            self._place: marked if end else "",
            self._draft: gr.update(value=_waits(source), interactive=not _waits(source)),
            self._told: "",
            self._said: "",
        }

    def close(self) -> Updates:
        """Values for `outputs`: nothing is edited."""
        cleared = dict.fromkeys((self._question, self._fact, self._text, self._place), "")
        hidden = {self._column: gr.update(visible=False), self._case: gr.update(visible=False)}
        return {self._number: 0, self._reply: "", **cleared, **hidden, self._told: ""}

    def _opened(self, chosen: str, language: str) -> Updates:
        words = texts(language)
        try:
            return self.open(chosen, language)
        except NotEditable as error:
            return self.close() | {self._said: problem(refusal(error, words))}
        except NotFound:
            return self.close() | {self._said: problem(words("document.gone"))}

    def _reworded(self, chosen: str, number: int, language: str) -> str:
        try:
            return _about(self._knowledge.find(chosen), number, texts(language)) if number else ""
        except NotFound:
            return ""

    def _saved(
        self,
        chosen: str,
        language: str,
        number: int,
        text: str | None,
        draft: bool,
        reply: str,
        question: str,
        fact: str,
        request: gr.Request,
    ) -> Updates:
        """What was typed stays until it is saved."""
        words, who = texts(language), request.username or ""
        try:
            result = self._knowledge.edit(chosen, text or "", number, who, draft=draft)
        except (NotEditable, Changed, NotFound) as error:
            return {self._told: problem(refusal(error, words))}
        except KnowledgeError as error:
            return {self._told: problem(words("desk.failed", error=error))}
        if result.status == "failed":
            return {self._told: problem(words("editor.failed", error=result.error))}
        if result.status == "unchanged":
            return {self._told: problem(words("editor.unchanged"))}
        try:
            document = self._knowledge.find(chosen)
        except NotFound:
            return self.close() | {self._said: problem(words("document.gone"))}
        prepare(self._app, [document.id])
        key = "editor.saved_draft" if result.draft else "editor.saved"
        latest = document.draft or document.version
        said = done(words(key, name=document.path, version=latest))
        said += self._settled(reply, question, fact, document, who, words)
        return {**self._show(document, language, said), **self.close(), self._said: said}

    def _settled(
        self, reply: str, question: str, fact: str, document: Document, who: str, words: Texts
    ) -> str:
        """The complaint is corrected, and its question a golden case; what to say of it."""
        if not reply:
            return ""
        try:
            self._app.feedback.source_edited(reply, question, document, who, fact)
        except ChatbotError as error:
            return problem(words("editor.not_settled", error=error))
        return done(words("editor.settled"))


def refusal(error: KnowledgeError, words: Texts) -> str:
    """Why a document cannot be edited or its text not saved, in the language of the page."""
    if isinstance(error, NotEditable):
        return words(f"editor.refused_{error.reason}", limit=f"{LONGEST_SOURCE:,}")
    return words("editor.changed" if isinstance(error, Changed) else "document.gone")


def _waits(source: Source) -> bool:
    """Whether it stays a draft whatever is chosen."""
    return source.document.draft is not None or source.document.state == "draft"


def _heading(words: Texts) -> str:
    return f"<h4>{render.plain(words('editor.title'))}</h4>"


def _about(document: Document, number: int, words: Texts) -> str:
    key = "editor.about_draft" if number != document.version else "editor.about"
    return hint(words(key, name=document.path, version=number))

"""The desk's feedback: replies that customers rated down, corrected in place or dismissed."""

from __future__ import annotations

from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.feedback import MAX_NOTE, STATES, Complaint, State
from chatbot.types import Reply
from knowledge.errors import KnowledgeError, NotEditable, NotFound
from knowledge.pairs import LONGEST_ANSWER, LONGEST_QUESTION
from ui import render
from ui.labels import Labels
from ui.pages.canned import account, done, problem
from ui.pages.conversations import turn_html
from ui.pages.document_editor import Case, refusal
from ui.pages.documents import DocumentsTab
from ui.texts import Texts, texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
SHOWN = 100  # complaints in the list
Updates = dict[Any, Any]


class FeedbackTab:
    """What editors do about thumbs down."""

    def __init__(self, app: App, labels: Labels, documents: DocumentsTab) -> None:
        """documents: where a source is edited."""
        self._documents = documents
        self._store, self._feedback = app.store, app.feedback
        self._labels = labels
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_heading)
            with gr.Row(elem_classes="filters"):
                self._state = add(
                    gr.Radio(list(STATES), value="open", show_label=False, container=False,
                             elem_id="feedback-state", elem_classes="segments"),
                    choices=_states,
                )  # fmt: skip
                refresh = add(gr.Button(size="sm", min_width=80), value="desk.refresh")
            self._list = gr.Radio([], show_label=False, container=False, elem_id="complaints")
            self._hint = gr.Markdown("", elem_id="feedback-hint")
        with gr.Column(elem_classes="card", elem_id="complaint"):
            self._read = add(gr.Markdown(""), value=_choose)
        with gr.Column(elem_classes="card", visible=False) as self._editor:
            add(gr.Markdown(), value=_correct)
            self._question = self._box("question", 1, LONGEST_QUESTION)
            self._answer = self._box("answer", 4, LONGEST_ANSWER)
            self._collection = self._box("collection", 1, 100)
            with gr.Row(elem_classes="buttons"):
                save = add(
                    gr.Button(variant="primary", size="sm", elem_id="feedback-save"),
                    value="feedback.save",
                )
            self._source_section()
            self._note = self._box("note", 1, MAX_NOTE)
            with gr.Row(elem_classes="buttons"):
                leave = add(gr.Button(size="sm", elem_id="feedback-leave"), value="feedback.leave")
        self._said = gr.Markdown("", elem_id="feedback-said")
        self.filled = [self._list, self._hint]
        shown = [self._read, self._editor, self._question, self._answer, self._collection]
        shown += [self._note, self._said, self._sources, self._cited]
        listed = [language, self._state]
        self._state.input(self.fill, listed, self.filled, **QUIET)
        refresh.click(self.fill, listed, self.filled, **QUIET)
        self._list.input(self._show, [self._list, language], shown, **QUIET)
        written = [self._question, self._answer, self._collection]
        for button, act, values in (
            (save, self._corrected, [self._list, language, *written]),
            (leave, self._dismissed, [self._list, language, self._note]),
        ):
            pressed = button.click(act, values, shown, **QUIET)
            pressed.then(self.fill, listed, self.filled, **QUIET)

    def _source_section(self) -> None:
        add = self._labels.add
        with gr.Column(visible=False, elem_id="feedback-sources") as self._sources:
            self._cited = add(
                gr.Radio([], elem_id="feedback-cited"), label="feedback.cited",
                info="feedback.cited_info",
            )  # fmt: skip
            with gr.Row(elem_classes="buttons"):
                self._edit = add(
                    gr.Button(size="sm", elem_id="feedback-edit"), value="feedback.edit_source"
                )

    def leads(self, tabs: gr.Tabs, language: gr.Radio) -> None:
        """The event that opens the documents' tab. tabs: of the desk."""
        self._tabs = tabs
        self._edit.click(
            self._source_opened,
            [self._list, self._cited, self._question, language],
            [tabs, *self._documents.editing, self._said],
            **QUIET,
        )

    def _box(self, name: str, lines: int, longest: int) -> gr.Textbox:
        box = gr.Textbox(lines=lines, max_lines=12, max_length=longest, elem_id=f"feedback-{name}")
        return self._labels.add(box, label=f"feedback.{name}", info=f"feedback.{name}_info")

    def fill(self, language: str, state: State = "open") -> Updates:
        """Values for `filled`: the latest complaints in this state."""
        words, found = texts(language), self._feedback.listed(state, SHOWN)
        hint = "" if found else f'<p class="hint">{render.plain(words("feedback.none"))}</p>'
        choices = [(_line(complaint, words), complaint.reply_id) for complaint in found]
        return {self._list: gr.update(choices=choices, value=None), self._hint: hint}

    def _show(self, chosen: str | None, language: str) -> Updates:
        words = texts(language)
        try:
            complaint = self._feedback.find(chosen or "")
        except ChatbotError:  # none chosen, or erased meanwhile
            return {self._read: _choose(words), self._editor: gr.update(visible=False)}
        turns = self._store.turns(complaint.session_id)
        at = next(
            n for n, turn in enumerate(turns) if turn.reply and turn.reply.id == complaint.reply_id
        )
        before = [turn for turn in turns[:at] if turn.message.role == "user"][-1:]
        shown = "".join(turn_html(turn, words) for turn in (*before, turns[at]))
        note = _settled(complaint, words)
        return {
            self._read: f'<div class="turns">{shown}</div>{note}',
            self._editor: gr.update(visible=complaint.state == "open"),
            self._question: complaint.question[:LONGEST_QUESTION],
            self._answer: complaint.answer[:LONGEST_ANSWER],
            self._collection: complaint.collection,
            self._note: "",
            self._said: "",
            **self._citations(complaint.reply_id, turns[at].reply),
        }

    def _citations(self, reply_id: str, reply: Reply | None) -> Updates:
        """What the answer was made from; the first is chosen."""
        cited = {c.id: c for c in (reply.citations if reply else ())}  # a passage once
        choices = [
            (" › ".join(filter(None, (c.document, c.heading))) + "\n" + _short(c.text), str(id_))
            for id_, c in cited.items()
        ]
        return {
            self._sources: gr.update(visible=bool(choices)),
            self._cited: gr.update(choices=choices, value=choices[0][1] if choices else None),
        }

    def _source_opened(
        self, chosen: str | None, cited: str | None, question: str, language: str
    ) -> Updates:
        """The documents' tab, where the source that was cited is open at the cited place."""
        words = texts(language)
        try:
            complaint = self._feedback.find(chosen or "")
            turns = self._store.turns(complaint.session_id)
            reply = next(t.reply for t in turns if t.reply and t.reply.id == complaint.reply_id)
            citation = next(c for c in reply.citations if str(c.id) == cited)
            case = Case(complaint.reply_id, question.strip() or complaint.question)
            opened = self._documents.edit(citation.document_id, language, citation.text, case)
        except NotEditable as error:
            return {self._said: problem(refusal(error, words))}
        except NotFound:
            return {self._said: problem(words("document.gone"))}
        except (ChatbotError, StopIteration):
            return {self._said: problem(words("feedback.choose"))}
        return {self._tabs: gr.update(selected="documents"), self._said: "", **opened}

    def _corrected(
        self,
        chosen: str | None,
        language: str,
        question: str,
        answer: str,
        collection: str,
        request: gr.Request,
    ) -> Updates:
        words = texts(language)
        try:
            self._feedback.correct(chosen or "", question, answer, account(request), collection)
        except (ChatbotError, KnowledgeError) as error:
            return {self._said: problem(words("desk.failed", error=error))}
        return self._show(None, language) | {self._said: done(words("feedback.saved"))}

    def _dismissed(
        self, chosen: str | None, language: str, note: str, request: gr.Request
    ) -> Updates:
        words = texts(language)
        try:
            self._feedback.dismiss(chosen or "", note, account(request))
        except ChatbotError as error:
            return {self._said: problem(words("desk.failed", error=error))}
        return self._show(None, language) | {self._said: done(words("feedback.left"))}


def _states(words: Texts) -> list[tuple[str, str]]:
    return [(words(f"feedback.{state}"), state) for state in STATES]


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"feedback.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _correct(words: Texts) -> str:
    title, lead = (render.plain(words(f"feedback.correct_{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _choose(words: Texts) -> str:
    return f'<p class="hint">{render.plain(words("feedback.choose"))}</p>'


def _line(complaint: Complaint, words: Texts) -> str:
    """One complaint as a line: when, why, engine, and the question."""
    why = words.named("customer", f"reason_{complaint.reason}") if complaint.reason else ""
    when = f"{complaint.created[5:16].replace('T', ' ')} UTC"
    facts = " · ".join(part for part in (when, why, complaint.engine) if part)
    return facts + "\n" + _short(complaint.question)


def _short(text: str) -> str:
    line = " ".join(render.clean(text).split())
    return line[:90] + "…" if len(line) > 90 else line


def _settled(complaint: Complaint, words: Texts) -> str:
    if complaint.state == "open":
        return ""
    parts = (words(f"feedback.{complaint.state}"), complaint.account, complaint.note)
    return f'<p class="hint">{render.plain(" · ".join(parts))}</p>'

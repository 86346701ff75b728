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
from ui.pages.canned import account
from ui.pages.conversations import turn_html
from ui.pages.document_editor import Case, refusal
from ui.pages.documents import DocumentsTab
from ui.pages.notices import QUIET, done, hint, in_turn, problem, tick
from ui.texts import Texts, texts

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
        self._opened: gr.State = gr.State(0)
        self.filled = [self._opened]
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_heading)
            with gr.Row(elem_classes="filters"):
                self._state = add(
                    gr.Radio(list(STATES), value="open", show_label=False, container=False,
                             elem_id="feedback-state", elem_classes="segments"),
                    choices=_states,
                )  # fmt: skip
                refresh = add(
                    gr.Button(size="sm", min_width=80, elem_id="feedback-refresh"),
                    value="desk.refresh",
                )
            self._list = gr.Radio([], show_label=False, container=False, elem_id="complaints")
            self._hint = gr.Markdown("", elem_id="feedback-hint")
        with gr.Column(elem_classes="card", elem_id="complaint"):
            self._read = gr.Markdown("", elem_id="complaint-read")
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
        self._events(language, refresh, save, leave)

    def _events(
        self, language: gr.Radio, refresh: gr.Button, save: gr.Button, leave: gr.Button
    ) -> None:
        one, chosen = in_turn("complaints"), [self._list, language]
        listing = [self._list, self._hint, self._read, self._editor]
        shown = [*listing, self._question, self._answer, self._collection]
        shown += [self._note, self._said, self._sources, self._cited]
        listed = [*chosen, self._state]
        self._state.input(self._other_state, [language, self._state], shown, **one)
        for trigger in (refresh.click, self._opened.change):
            trigger(self._listed, listed, listing, **one)
        self._list.input(self._show, chosen, shown, **one)
        written = [self._question, self._answer, self._collection]
        save.click(self._corrected, [*chosen, *written], shown, **one).then(
            self._listed, listed, listing, **one
        )
        leave.click(self._dismissed, [*chosen, self._note], shown, **one).then(
            self._listed, listed, listing, **one
        )

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

    def fill(self, language: str) -> Updates:
        """Values for `filled`; the list follows at once, with what is chosen by then."""
        del language
        return {self._opened: tick()}

    def _other_state(self, language: str, state: State) -> Updates:
        """The complaints in this state; none is chosen."""
        listed, words = self._listed(None, language, state), texts(language)
        return {
            **listed,
            **self._none(words),
            self._list: gr.update(**listed[self._list], value=None),
        }

    def _listed(self, chosen: str | None, language: str, state: State) -> Updates:
        """The latest complaints in this state.

        What is chosen stays so, in the list and open, also if somebody else settled it meanwhile.
        """
        words, found = texts(language), list(self._feedback.listed(state, SHOWN))
        hint_ = "" if found else hint(words("feedback.none"))
        complaint = self._complaint(chosen)
        if complaint is not None and complaint not in found:
            found.append(complaint)
        choices = [(_line(one, words), one.reply_id) for one in found]
        if complaint is not None:
            kept = {self._read: self._told(complaint, words)}
        else:
            kept = self._none(words)
        # Without a value the page keeps its own: it may be chosen since this was asked for.
        gone = {"value": None} if chosen and complaint is None else {}
        return {self._list: gr.update(choices=choices, **gone), self._hint: hint_, **kept}

    def _complaint(self, chosen: str | None) -> Complaint | None:
        """None if none is chosen, or it was erased meanwhile."""
        try:
            return self._feedback.find(chosen or "")
        except ChatbotError:
            return None

    def _none(self, words: Texts) -> Updates:
        """No complaint is open."""
        choose = hint(words("feedback.choose"))
        return {self._read: choose, self._editor: gr.update(visible=False)}

    def _show(self, chosen: str | None, language: str) -> Updates:
        """Another complaint, with what its answer was as a start of the right one."""
        words, complaint = texts(language), self._complaint(chosen)
        if complaint is None:
            return self._none(words)
        return {
            self._read: self._told(complaint, words),
            self._editor: gr.update(visible=complaint.state == "open"),
            self._question: complaint.question[:LONGEST_QUESTION],
            self._answer: complaint.answer[:LONGEST_ANSWER],
            self._collection: complaint.collection,
            self._note: "",
            self._said: "",
            **self._citations(complaint),
        }

    def _told(self, complaint: Complaint, words: Texts) -> str:
        """The reply, and the question before it."""
        turns = self._store.turns(complaint.session_id)
        at = next(
            n for n, turn in enumerate(turns) if turn.reply and turn.reply.id == complaint.reply_id
        )
        before = [turn for turn in turns[:at] if turn.message.role == "user"][-1:]
        shown = "".join(turn_html(turn, words) for turn in (*before, turns[at]))
        return f'<div class="turns">{shown}</div>{_settled(complaint, words)}'

    def _reply(self, complaint: Complaint) -> Reply | None:
        turns = self._store.turns(complaint.session_id)
        replies = (turn.reply for turn in turns if turn.reply)
        return next((r for r in replies if r.id == complaint.reply_id), None)

    def _citations(self, complaint: Complaint) -> Updates:
        """What the answer was made from; the first is chosen."""
        reply = self._reply(complaint)
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
            reply = self._reply(complaint)
            citation = next(c for c in (reply.citations if reply else ()) if str(c.id) == cited)
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
        return {**self._none(words), self._list: None, self._said: done(words("feedback.saved"))}

    def _dismissed(
        self, chosen: str | None, language: str, note: str, request: gr.Request
    ) -> Updates:
        words = texts(language)
        try:
            self._feedback.dismiss(chosen or "", note, account(request))
        except ChatbotError as error:
            return {self._said: problem(words("desk.failed", error=error))}
        return {**self._none(words), self._list: None, self._said: done(words("feedback.left"))}


def _states(words: Texts) -> list[tuple[str, str]]:
    return [(words(f"feedback.{state}"), state) for state in STATES]


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"feedback.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _correct(words: Texts) -> str:
    title, lead = (render.plain(words(f"feedback.correct_{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _line(complaint: Complaint, words: Texts) -> str:
    """One complaint as a line: when, why, engine, and the question."""
    why = words.named("customer", f"reason_{complaint.reason}") if complaint.reason else ""
    when = f"{complaint.created[5:16].replace('T', ' ')} UTC"
    facts = " · ".join(
        part for part in (when, why, words.named("engine", complaint.engine)) if part
    )
    return facts + "\n" + _short(complaint.question)


def _short(text: str) -> str:
    line = " ".join(render.clean(text).split())
    return line[:90] + "…" if len(line) > 90 else line


def _settled(complaint: Complaint, words: Texts) -> str:
    if complaint.state == "open":
        return ""
    parts = (words(f"feedback.{complaint.state}"), complaint.account, complaint.note)
    return f'<p class="hint">{render.plain(" · ".join(parts))}</p>'

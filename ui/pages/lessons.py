"""The desk's lessons: replies of the team's own conversations, accepted and learnt from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.masking import Masker
from finetune import learning, train
from finetune.errors import FinetuneError
from finetune.lessons import MAX_NOTE, STATES, Lesson, Lessons, State
from finetune.registry import Registry
from ui import render
from ui.job import job_of
from ui.labels import Labels
from ui.pages.canned import account, done, problem
from ui.pages.notices import QUIET, relisted, tick
from ui.settings import Settings
from ui.texts import Texts, texts

SHOWN = 50  # lessons in the list
LINE = 160  # characters of a question or reply in it
Updates = dict[Any, Any]


class LessonsCard:
    """What the team's own conversations could teach."""

    def __init__(self, app: App, settings: Settings, labels: Labels) -> None:
        self._settings, self._labels = settings, labels
        self._lessons = Lessons(app.database)
        self._registry = Registry(app.database, settings.home)
        self.filled: list[Any] = []

    def build(self, language: gr.Radio, preset: gr.Dropdown) -> None:
        """The card's components and their events; `preset`: which one a run of it uses."""
        add = self._labels.add
        opened: gr.State = gr.State(0)
        with gr.Column(elem_classes="card", elem_id="lessons"):
            add(gr.Markdown(), value=_heading)
            self._state = add(
                gr.Radio(list(STATES), value="open", show_label=False, container=False,
                         elem_id="lesson-state", elem_classes="segments"),
                choices=_states,
            )  # fmt: skip
            self._list = gr.CheckboxGroup(
                [], show_label=False, container=False, elem_id="lesson-list"
            )
            self._hint = gr.Markdown("", elem_id="lesson-hint")
            self._note = add(
                gr.Textbox(lines=1, max_length=MAX_NOTE, elem_id="lesson-note"),
                label="lessons.note",
                info="lessons.note_info",
            )
            with gr.Row(elem_classes="buttons"):
                accept = add(
                    gr.Button(variant="primary", size="sm", elem_id="lesson-accept"),
                    value="lessons.accept",
                )
                reject = add(gr.Button(size="sm", elem_id="lesson-reject"), value="lessons.reject")
                learn = add(gr.Button(size="sm", elem_id="lesson-learn"), value="lessons.learn")
            self._said = gr.Markdown("", elem_id="lesson-said")
        self.filled = [opened]
        listed, shown = [language, self._state, self._list], [self._list, self._hint]
        for trigger in (opened.change, self._state.input):
            trigger(self._listed, listed, shown, **QUIET)
        for button, act, given in (
            (accept, self._accepted, [self._list, language]),
            (reject, self._rejected, [self._list, language, self._note]),
        ):
            pressed = button.click(act, given, [self._said, self._note], **QUIET)
            pressed.then(self._listed, listed, shown, **QUIET)
        learn.click(self._learning, [preset, language], self._said, concurrency_limit=1, **QUIET)

    def fill(self, language: str) -> Updates:
        """Values for `filled`; the list follows at once, with what is chosen by then."""
        del language
        return {self.filled[0]: tick()}

    def _listed(self, language: str, state: State, chosen: list[str]) -> Updates:
        """The lessons in this state."""
        words, found = texts(language), self._lessons.listed(state, SHOWN)
        counts = self._lessons.counts()
        hint = words("lessons.none") if not found else ""
        hint = hint or words("lessons.counts", open=counts["open"], accepted=counts["accepted"])
        choices = [(_line(lesson, words), lesson.id) for lesson in found]
        return {
            self._list: relisted(choices, chosen),
            self._hint: f'<p class="hint">{render.plain(hint)}</p>',
        }

    def _accepted(self, chosen: list[str], language: str, request: gr.Request) -> Updates:
        accept = partial(self._lessons.accept, by=account(request))
        return self._decided(chosen, language, "accepted_now", accept)

    def _rejected(
        self, chosen: list[str], language: str, note: str, request: gr.Request
    ) -> Updates:
        reject = partial(self._lessons.reject, by=account(request), note=note)
        return self._decided(chosen, language, "rejected_now", reject)

    def _decided(
        self, chosen: list[str], language: str, told: str, decide: Callable[[list[str]], int]
    ) -> Updates:
        words = texts(language)
        if not chosen:
            return {self._said: problem(words("lessons.choose"))}
        try:
            count = decide(chosen)
        except ChatbotError as error:
            return {self._said: problem(words("desk.failed", error=error))}
        return {self._said: done(words(f"lessons.{told}", count=count)), self._note: ""}

    def _learning(self, preset: str, language: str) -> str:
        """Start a run on what is accepted; the page above shows how it goes."""
        words, share = texts(language), self._settings.finetune.replay
        job = job_of(self._settings, preset=preset)
        try:
            job, course = learning.job_of(job, self._lessons, self._registry, share)
            name = train.start(job)
        except (FinetuneError, ChatbotError) as error:
            return problem(words("desk.failed", error=error))
        told = words("lessons.started", name=name, count=course.lessons, replayed=course.replayed)
        return done(told)


def _states(words: Texts) -> list[tuple[str, str]]:
    return [(words(f"lessons.{state}"), state) for state in STATES]


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"lessons.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _line(lesson: Lesson, words: Texts) -> str:
    """One lesson: where it comes from, then question and reply, masked as they would be learnt."""
    origin = "solved" if lesson.solved else lesson.kind
    masker = Masker()
    asked, told = (_short(masker.mask(text)) for text in (lesson.question, lesson.reply))
    facts = [words(f"lessons.by_{origin}"), f"{lesson.created[5:16].replace('T', ' ')} UTC"]
    if lesson.account:
        facts += [lesson.account, lesson.note]
    return f"{' · '.join(filter(None, facts))}\n{asked}\n→ {told}"


def _short(text: str) -> str:
    flat = " ".join(render.clean(text).split())
    return flat if len(flat) <= LINE else f"{flat[:LINE]}…"

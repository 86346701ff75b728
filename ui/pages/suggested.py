"""The desk's messages worth a label: where the intent model is unsure, added with one click."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.intents.suggestions import READ, Suggestion, suggestions
from ui import render
from ui.labels import Labels
from ui.pages.canned import done, problem
from ui.pages.notices import QUIET, relisted, tick
from ui.texts import Texts, texts

SHOWN = 20  # messages in the list
LINE = 300  # characters of one in it
Updates = dict[Any, Any]
Choices = list[tuple[str, str]]  # as shown, and the message


class SuggestedCard:
    """Looks through the latest messages when asked to; nothing of them is kept."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._app, self._labels = app, labels
        self._model = app.assistant.intents
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The card's components and their events."""
        add = self._labels.add
        opened: gr.State = gr.State(0)
        self.filled = [opened]
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_heading)
            with gr.Row(elem_classes="buttons"):
                look = add(
                    gr.Button(size="sm", elem_id="suggested-look"), value="intents.suggested_look"
                )
            self._open: gr.State = gr.State([])  # the choices of the list
            self._list = gr.CheckboxGroup([], show_label=False, container=False, visible=False,
                                          elem_id="suggested")  # fmt: skip
            with gr.Row(equal_height=True, visible=False, elem_classes="form") as self._adding:
                self._into = add(
                    gr.Dropdown([("", "")], value="", elem_id="suggested-into"),
                    label="intents.suggested_intent",
                )
                give = add(
                    gr.Button(variant="primary", scale=0, min_width=210, elem_id="suggested-add"),
                    value="intents.suggested_add",
                )
            self._said = gr.Markdown("", elem_id="suggested-said")
        shown = [self._open, self._list, self._adding, self._said]
        look.click(
            self._looked, [self._into, language], [*shown, self._into], concurrency_limit=1, **QUIET
        )
        given = [self._open, self._list, self._into, language]
        opened.change(self._intents, [self._into, language], self._into, **QUIET)
        give.click(self._added, given, shown, **QUIET)

    def fill(self, language: str) -> Updates:
        """Values for `filled`; the list follows at once, with what is chosen by then."""
        del language
        return {self.filled[0]: tick()}

    def _intents(self, into: str | None, language: str) -> Updates:
        """The intents that a message can be added to."""
        names = [(name, name) for name in sorted(d.name for d in self._model.store.all())]
        first = (texts(language)("intents.suggested_guess"), "")
        return {self._into: relisted([first, *names], into or "")}

    def _looked(self, into: str | None, language: str) -> Iterator[Updates]:
        """The messages with what the model makes of them."""
        words = texts(language)
        yield {self._said: f'<p class="working">{_plain(words, "suggested_working")}</p>'}
        found = suggestions(self._app.database, self._model, SHOWN)
        said = "" if found else f'<p class="hint">{_plain(words, "suggested_none")}</p>'
        shown = self._shown([(_line(one, words), one.text) for one in found], said)
        yield shown | self._intents(into, language)

    def _added(self, open_: Choices, chosen: list[str], into: str, language: str) -> Updates:
        """Each to the chosen intent, or to its best guess; up to the first that cannot be."""
        words = texts(language)
        if not chosen:
            return {self._said: problem(words("intents.suggested_choose"))}
        added, wrong = set[str](), ""
        for text in chosen:
            try:
                self._model.store.add_examples(into or self._guess(text), [text])
                added.add(text)
            except ChatbotError as error:
                wrong = problem(words("desk.failed", error=error))
                break
        self._model.refresh()
        left = [(str(line), str(text)) for line, text in open_ if text not in added]
        return self._shown(left, wrong or done(words("intents.suggested_added", count=len(added))))

    def _guess(self, text: str) -> str:
        look = self._model.look(text)
        return look.guesses[0].name if look else ""

    def _shown(self, choices: Choices, said: str) -> Updates:
        return {
            self._open: choices,
            self._list: gr.update(choices=choices, value=[], visible=bool(choices)),
            self._adding: gr.update(visible=bool(choices)),
            self._said: said,
        }


def _line(found: Suggestion, words: Texts) -> str:
    """Two lines: what the model makes of it, and the message."""
    guesses = ", ".join(f"{name} {chance:.0%}" for name, chance in found.guesses)
    told = words("intents.suggested_line", guesses=guesses, gap=f"{found.gap:.0%}")
    return f"{told}\n{render.clean(found.text)[:LINE]}"


def _plain(words: Texts, name: str) -> str:
    return render.plain(words(f"intents.{name}"))


def _heading(words: Texts) -> str:
    title = _plain(words, "suggested_title")
    lead = render.plain(words("intents.suggested_lead", most=f"{READ:,}"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'

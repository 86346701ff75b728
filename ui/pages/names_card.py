"""The desk's list of the team's own products and places: add, remove, try."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.listed_names import KINDS, LONGEST, MOST_SPELLINGS
from ui import render
from ui.labels import Labels
from ui.pages.notices import QUIET, done, heading, hint, problem
from ui.texts import Texts, texts

SHOWN = 200  # names in the table; the others are found all the same
PART = re.compile(r"[|,;，；、\n]")  # between two spellings, as people write a list
MOST_ALSO = MOST_SPELLINGS * (LONGEST + 2)  # characters
Updates = dict[Any, Any]


class NamesCard:
    """Writes entities.csv in the home, which counts from the next turn on."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._names, self._labels = app.names, labels

    def build(self, language: gr.Radio) -> None:
        """The card's components and their events."""
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: heading(words, "names.list"))
            self._table = gr.Markdown("", elem_id="names")
            with gr.Row(equal_height=False):
                kind = add(
                    gr.Dropdown(list(KINDS), value=KINDS[0], elem_id="name-kind"),
                    label="names.kind",
                    choices=lambda words: [(words(f"names.{kind}"), kind) for kind in KINDS],
                )
                self._name = add(
                    gr.Textbox(max_length=LONGEST, elem_id="name-name"), label="names.name"
                )
            self._also = add(
                gr.Textbox(max_length=MOST_ALSO, elem_id="name-also"),
                label="names.also",
                info="names.also_info",
            )
            with gr.Row(elem_classes="buttons"):
                save = add(
                    gr.Button(size="sm", variant="primary", elem_id="name-add"), value="names.add"
                )
                remove = add(gr.Button(size="sm", elem_id="name-remove"), value="names.remove")
            self._said = gr.Markdown("", elem_id="names-said")
            with gr.Row(equal_height=True, elem_classes="form"):
                text = add(
                    gr.Textbox(
                        show_label=False, container=False, max_length=2_000, elem_id="name-text"
                    ),
                    placeholder="names.text",
                    label="names.text",
                )
                look = add(gr.Button(scale=0, min_width=110, elem_id="name-try"), value="names.try")
            found = gr.Markdown("", elem_id="name-found")
        shown = [self._said, self._table, self._name, self._also]
        save.click(self._added, [kind, self._name, self._also, language], shown, **QUIET)
        remove.click(self._removed, [self._name, language], shown, **QUIET)
        for trigger in (look.click, text.submit):
            trigger(self._tried, [text, language], found, **QUIET)

    @property
    def filled(self) -> list[Any]:
        return [self._table]

    def fill(self, language: str) -> Updates:
        """The names as a table; why not, where the file cannot be read."""
        words = texts(language)
        try:
            names = self._names.all()
        except ChatbotError as error:
            return {self._table: problem(words("desk.failed", error=error))}
        if not names:
            return {self._table: hint(words("names.none"))}
        head = [words(f"names.{column}") for column in ("kind", "name", "also")]
        rows = [[words(f"names.{n.kind}"), n.name, " · ".join(n.also)] for n in names[:SHOWN]]
        more = len(names) - len(rows)
        left = hint(words("names.more", count=more)) if more else ""
        return {self._table: f"<div>{render.table(head, rows, 'pairs')}{left}</div>"}

    def _added(self, kind: str, name: str, also: str, language: str) -> Updates:
        spellings = [part.strip() for part in PART.split(also) if part.strip()]
        chosen = next((known for known in KINDS if known == kind), KINDS[0])
        return self._changed(
            lambda: self._names.add(chosen, name, spellings).name, "names.added", language
        )

    def _removed(self, name: str, language: str) -> Updates:
        return self._changed(lambda: self._names.remove(name).name, "names.removed", language)

    def _changed(self, act: Callable[[], str], key: str, language: str) -> Updates:
        words = texts(language)
        try:
            name = act()
        except (ChatbotError, OSError) as error:  # what was typed stays
            return {self._said: problem(words("desk.failed", error=error))}
        said = done(words(key, name=name))
        return {self._said: said, self._name: "", self._also: "", **self.fill(language)}

    def _tried(self, text: str, language: str) -> str:
        words = texts(language)
        found = self._names.found(text)
        if not found:
            return hint(words("names.not_found"))
        return hint(_told(found, words))


def _told(found: list[Any], words: Texts) -> str:
    parts = []
    for one in found:
        name = f"{words(f'names.{one.name.kind}')}: {one.name.name}"
        parts.append(name if one.exact else f"{name} ({words('names.read', text=one.text)})")
    return "; ".join(parts)

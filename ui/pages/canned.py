"""The agents' own things beside the inbox: canned replies, and the name that customers see."""

from __future__ import annotations

from typing import Any

import gradio as gr

from chatbot import canned
from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.handovers import MAX_NAME
from ui import render
from ui.labels import Labels
from ui.texts import texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
Updates = dict[Any, Any]


class CannedSection:
    """Save, change and remove canned replies; `pick` is the list to insert one from."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._app = app
        self._labels = labels

    def choices(self) -> list[str]:
        return [reply.name for reply in self._app.canned.list()]

    def build(self, language: gr.Radio, pick: gr.Dropdown) -> None:
        """The section's components and their events."""
        add = self._labels.add
        with add(gr.Accordion("", open=False, elem_id="own"), label="inbox.canned_title"):
            with gr.Row(equal_height=False, elem_classes="buttons"):
                self.name = add(
                    gr.Textbox(max_length=MAX_NAME, elem_id="agent-name", min_width=200),
                    label="inbox.name",
                )
                rename = add(gr.Button(size="sm", elem_id="rename"), value="inbox.canned_save")
            self._key = add(
                gr.Dropdown([], allow_custom_value=True, elem_id="canned-name"),
                label="inbox.canned_name",
            )
            self._text = add(
                gr.Textbox(lines=3, max_length=canned.MAX_TEXT, elem_id="canned-text"),
                label="inbox.canned_text",
            )
            with gr.Row(elem_classes="buttons"):
                save = add(gr.Button(size="sm", elem_id="canned-save"), value="inbox.canned_save")
                remove = add(gr.Button(size="sm"), value="inbox.canned_remove")
            self._said = gr.Markdown("")
        outputs = [self._said, self._key, self._text, pick]
        self._pick = pick
        inputs = [self._key, self._text, language]
        save.click(self._save, inputs, outputs, **QUIET)
        remove.click(self._remove, inputs, outputs, **QUIET)
        self._key.input(self._show, self._key, self._text, **QUIET)
        rename.click(self._rename, [self.name, language], self._said, **QUIET)

    def filled(self) -> Updates:
        """The names, for the lists."""
        names = self.choices()
        return {self._key: gr.update(choices=names), self._pick: gr.update(choices=names)}

    @property
    def lists(self) -> list[Any]:
        return [self._key, self._pick]

    def _save(self, name: str | None, text: str, language: str) -> Updates:
        return self._changed(
            lambda: self._app.canned.save(name or "", text), "canned_saved", name, language
        )

    def _remove(self, name: str | None, text: str, language: str) -> Updates:
        del text
        return self._changed(
            lambda: self._app.canned.remove(name or ""), "canned_removed", name, language
        )

    def _changed(self, act: Any, key: str, name: str | None, language: str) -> Updates:
        words = texts(language)
        try:
            act()
        except ChatbotError as error:
            return {self._said: problem(words("desk.failed", error=error))}
        names = self.choices()
        empty = {"choices": names, "value": None}
        return {
            self._said: done(words(f"inbox.{key}", name=name)),
            self._key: gr.update(**empty),
            self._pick: gr.update(**empty),
            self._text: "",
        }

    def _show(self, name: str | None) -> Any:
        return self._app.canned.text(name) if name in self.choices() else gr.skip()

    def _rename(self, name: str, language: str, request: gr.Request) -> str:
        words = texts(language)
        try:
            self._app.handovers.rename(account(request), name)
        except ChatbotError as error:
            return problem(words("desk.failed", error=error))
        return done(words("inbox.named", name=name.strip()))


def account(request: gr.Request) -> str:
    """Who is logged in, as the desk's second lock found out."""
    return str(request.username)


def problem(text: str) -> str:
    return f'<p class="problem">{render.plain(text)}</p>'


def done(text: str) -> str:
    return f'<p class="done">{render.plain(text)}</p>'


def joined(text: str, more: str) -> str:
    """What is inserted stands below what is written already."""
    return f"{text.rstrip()}\n\n{more}" if text.strip() else more

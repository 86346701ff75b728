"""The assistant's suggestion in an agent's reply box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import NotFound
from ui import render
from ui.labels import Labels
from ui.pages.bubbles import sources
from ui.pages.canned import QUIET, Updates, joined, problem
from ui.texts import texts


@dataclass(frozen=True, slots=True)
class Suggested:
    """What was put into the reply box, for one conversation."""

    session: str
    text: str


class SuggestingSection:
    """The best quoted answer, with its sources below; the agent edits and sends it."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._app, self._labels = app, labels

    def beside(self) -> None:
        """The button of the reply box."""
        button = gr.Button(size="sm", elem_id="suggest")
        self._suggest = self._labels.add(button, value="inbox.suggest")
        self.made: gr.State = gr.State(None)

    def events(self, chosen: gr.State, language: gr.Radio, text: gr.Textbox, draft: Any) -> None:
        """`draft`: below the reply box."""
        self._text, self._draft = text, draft
        shown = [text, draft, self.made]
        self._suggest.click(self._suggested, [text, chosen, language], shown, **QUIET)

    def behind(self, made: Suggested | None, session: str) -> str:
        """What was suggested in this conversation and not sent yet; "" for nothing."""
        return made.text if made is not None and made.session == session else ""

    def cleared(self) -> Updates:
        """After the reply was sent or dropped."""
        return {self.made: None}

    def _suggested(self, text: str, chosen: str | None, language: str) -> Updates:
        """The suggestion stands behind what is written already."""
        words = texts(language)
        try:
            draft = self._app.assistant.draft(self._app.handovers.session(chosen or ""))
        except NotFound as error:
            return {self._draft: problem(words("desk.failed", error=error))}
        if not draft.text:
            hint = render.plain(words("inbox.no_suggestion"))
            return {self._draft: f'<p class="hint">{hint}</p>'}
        hint = f'<p class="hint">{render.plain(words("inbox.suggested"))}</p>'
        cites = f'<div class="cites">{sources(draft.citations)}</div>'
        return {
            self._text: joined(text, draft.text),
            self._draft: hint + cites,
            self.made: Suggested(chosen or "", draft.text),
        }

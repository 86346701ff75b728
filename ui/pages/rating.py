"""Thumbs on the customer page: stored at once; a thumb down asks for its reason."""

from __future__ import annotations

from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.store import Turn
from ui.labels import Labels
from ui.pages.person import said
from ui.texts import Texts, texts

REASONS = ("wrong", "off", "missing", "unclear")


class Rating:
    """The card below the conversation that asks what was wrong."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._app = app
        self._labels = labels

    def build(self) -> None:
        """The card, hidden until a thumb goes down."""
        add = self._labels.add
        self.down: gr.State = gr.State(None)  # id of the reply that got a thumb down
        with gr.Column(elem_id="feedback", visible=False) as self.card:
            add(gr.Markdown("", container=False), value="customer.rate_why")
            self.reason = add(
                gr.Radio(_reasons(texts("en")), show_label=False, container=False),
                choices=_reasons,
                label="customer.rate_why",
            )
            with gr.Row(elem_id="feedback-buttons"):
                self.send = add(
                    gr.Button("", size="sm", variant="primary", min_width=40),
                    value="customer.rate_send",
                )
                self.skip = add(
                    gr.Button("", size="sm", variant="secondary", min_width=40),
                    value="customer.rate_skip",
                )

    def thumb(
        self, turns: tuple[Turn, ...], who: str, language: str, like: gr.LikeData
    ) -> list[Any]:
        """Values for `down`, the card, the reason and the notice."""
        index = like.index[0] if isinstance(like.index, (list, tuple)) else like.index
        reply = turns[index].reply if isinstance(index, int) and 0 <= index < len(turns) else None
        if reply is None:
            return [None, gr.update(visible=False), None, said("")]
        up = like.liked is True or like.liked == "Like"
        self._app.rate(reply.id, who, 1 if up else -1)
        thanks = texts(language)("customer.rate_thanks") if up else ""
        return [reply.id, gr.update(visible=not up), None, said(thanks)]

    def why(self, reply: str | None, reason: str | None, who: str, language: str) -> list[Any]:
        """Store the reason; values for the card and the notice."""
        if reply and reason in REASONS:
            self._app.rate(reply, who, -1, reason)
        return [gr.update(visible=False), said(texts(language)("customer.rate_thanks"))]


def _reasons(words: Texts) -> list[tuple[str, str]]:
    return [(words(f"customer.reason_{name}"), name) for name in REASONS]

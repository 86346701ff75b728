"""The card of the audit log in the desk: who did what, and whether the log is whole."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui import render
from ui.audit import AuditLog
from ui.labels import Labels
from ui.pages.canned import done, problem
from ui.texts import Texts, texts

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
SHOWN = 50  # rows


class AuditCard:
    """What admins read of the log."""

    def __init__(self, audit: AuditLog, labels: Labels) -> None:
        self._audit, self._labels = audit, labels
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The card's components and their events."""
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_heading)
            self._table = gr.Markdown("", elem_id="audit")
            with gr.Row(elem_classes="buttons"):
                refresh = add(gr.Button(size="sm", elem_id="audit-fill"), value="desk.refresh")
                verify = add(gr.Button(size="sm", elem_id="audit-verify"), value="audit.verify")
            self._said = gr.Markdown("", elem_id="audit-said")
        self.filled = [self._table]
        refresh.click(self.fill, language, self.filled, **QUIET)
        verify.click(self._verified, language, self._said, **QUIET)

    def fill(self, language: str) -> dict[Any, Any]:
        """Values for `filled`: the latest rows."""
        words = texts(language)
        rows = [
            [entry.at[:19].replace("T", " "), entry.actor or "–", entry.action, entry.object or "–"]
            for entry in self._audit.entries(SHOWN)
        ]
        head = [words(f"audit.{name}") for name in ("at", "actor", "action", "object")]
        return {self._table: render.table(head, rows, "results")}

    def _verified(self, language: str) -> str:
        words, found = texts(language), self._audit.problems()
        if found:
            return "".join(map(problem, found))
        return done(words("audit.whole", seal=self._audit.head()[:16]))


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"audit.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'

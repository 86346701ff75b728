"""The desk's health: what this installation runs on."""

from __future__ import annotations

from typing import Any

import gradio as gr

from chatbot.app import App
from knowledge.errors import KnowledgeError
from ui import render
from ui.labels import Labels
from ui.pages import calibration_picture, floor_picture
from ui.pages.notices import QUIET, done, heading, problem
from ui.texts import Texts, texts


class HealthTab:
    """State of generator, embedder, index, documents, and who waits for a person."""

    def __init__(self, app: App, labels: Labels) -> None:
        self._app = app
        self._labels = labels
        self.filled: list[Any] = []

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=_heading)
            self._state = gr.Markdown("", elem_id="health")
            with gr.Row(elem_classes="pager"):
                refresh = add(gr.Button(size="sm", min_width=80), value="desk.refresh")
        self.filled = [self._state]
        refresh.click(self.fill, language, self.filled, **QUIET)
        with gr.Column(elem_classes="card"):
            self._calibration = gr.Markdown("", elem_id="calibration")
        with gr.Column(elem_classes="card"):
            self._floors = gr.Markdown("", elem_id="floors")
        self.filled += [self._calibration, self._floors]
        self._check_card(language)

    def _check_card(self, language: gr.Radio) -> None:
        add = self._labels.add
        with gr.Column(elem_classes="card"):
            add(gr.Markdown(), value=lambda words: heading(words, "health.check"))
            self._checked = gr.Markdown("", elem_id="checked")
            with gr.Row(elem_classes="buttons"):
                check = add(gr.Button(size="sm", elem_id="check"), value="health.check")
                self._rebuild = add(
                    gr.Button(size="sm", visible=False, elem_id="rebuild"), value="health.rebuild"
                )
        shown = [self._checked, self._rebuild]
        for button, act in ((check, self._check), (self._rebuild, self._rebuilt)):
            button.click(act, language, shown, concurrency_limit=1, **QUIET)

    def fill(self, language: str) -> dict[Any, Any]:
        """Values for `filled`: the table of health."""
        words = texts(language)
        health = self._app.health()
        champion = self._app.champions.current("dialogue")
        tagger = self._app.champions.current("entities")
        rows = [
            ["state", words("health.ok" if health.ok else "health.problems")],
            ["generator", words.named("health", health.generator)],
            ["adapter", champion.name if champion else words("training.base")],
            ["tagger", tagger.name if tagger else "–"],
            ["embedder", health.embedder],
            ["index", words.named("health", health.index)],
            ["documents", str(health.documents)],
            ["chunks", str(self._app.knowledge.status().chunks)],
            ["waiting", str(self._waiting())],
            *(["problem", problem] for problem in health.problems),
        ]
        named = [[words(f"health.{key}"), value] for key, value in rows]
        mark = "good" if health.ok and not health.problems else "bad"
        cells = "".join(
            f"<tr><th>{render.plain(name)}</th><td>{render.plain(value)}</td></tr>"
            for name, value in named
        )
        table = f'<div class="state {mark}"><table><tbody>{cells}</tbody></table></div>'
        scorer = self._app.scorer
        return {
            self._state: table,
            self._calibration: calibration_picture.shown(scorer.weights, scorer.answerable, words),
            self._floors: floor_picture.shown(scorer, words),
        }

    def _check(self, language: str) -> dict[Any, Any]:
        """One line per problem of the documents; then a rebuild is offered."""
        words = texts(language)
        try:
            found = self._app.knowledge.check()
        except (KnowledgeError, OSError) as error:
            found = [words("desk.failed", error=error)]
        said = "".join(map(problem, found)) or done(words("health.check_well"))
        return {self._checked: said, self._rebuild: gr.update(visible=bool(found))}

    def _rebuilt(self, language: str) -> dict[Any, Any]:
        words = texts(language)
        try:
            count = self._app.knowledge.rebuild()
        except (KnowledgeError, OSError) as error:
            return {self._checked: problem(words("desk.failed", error=error))}
        shown = self._check(language)
        said = done(words("health.rebuilt", count=count))
        return shown | {self._checked: said + shown[self._checked]}

    def _waiting(self) -> int:
        """Conversations in which a person was called and has not come yet."""
        row = self._app.database.row("SELECT COUNT(*) AS n FROM sessions WHERE state = 'waiting'")
        return row["n"] if row else 0


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"health.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'
